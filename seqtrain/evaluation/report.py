"""Metrics as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqtrain.evaluation.metrics import CLASS_METRICS, METRICS

WIDEST_CONFUSION = 20  # classes; a wider matrix is only in the JSON
UNDEFINED = "-"


def format_report(metrics: Mapping[str, Any]) -> str:
    """The result of `evaluate` as aligned text, without a newline at the end."""
    labels = list(metrics["per_class"])
    numbers = [["rows", _cell(metrics["rows"])], *([name, _cell(metrics[name])] for name in METRICS)]
    classes = [
        ["label", *CLASS_METRICS],
        *([label, *map(_cell, row.values())] for label, row in metrics["per_class"].items()),
    ]
    tables = [numbers, classes]
    if len(labels) <= WIDEST_CONFUSION:
        counts = zip(labels, metrics["confusion_matrix"], strict=True)
        tables.append([["true \\ predicted", *labels], *([label, *map(_cell, row)] for label, row in counts)])
    return "\n\n".join(map(_aligned, tables))


def _cell(value: float | int | None) -> str:
    if value is None:
        return UNDEFINED
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def _aligned(table: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, the first flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table
    )
