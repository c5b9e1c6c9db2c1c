"""Metrics as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqtrain.evaluation.intervals import LEVEL
from seqtrain.evaluation.metrics import CLASS_METRICS, METRICS

WIDEST_CONFUSION = 20  # classes; a wider matrix is only in the JSON
UNDEFINED = "-"


def format_report(metrics: Mapping[str, Any]) -> str:
    """The result of `assess` as aligned text, without a newline at the end."""
    labels = list(metrics["per_class"])
    parts = [_numbers(metrics), *_calibration(metrics["calibration"])]
    if metrics["threshold"] is not None:
        parts.append(f"predicted: {labels[1]} from a probability of {_cell(metrics['threshold'])} on")
    rows = ([label, *map(_cell, row.values())] for label, row in metrics["per_class"].items())
    parts.append(_aligned([["label", *CLASS_METRICS], *rows]))
    if len(labels) <= WIDEST_CONFUSION:
        counts = zip(labels, metrics["confusion_matrix"], strict=True)
        rows = ([label, *map(_cell, row)] for label, row in counts)
        parts.append(_aligned([["true \\ predicted", *labels], *rows]))
    return "\n\n".join(parts)


def _numbers(metrics: Mapping[str, Any]) -> str:
    rows = (
        [name, _cell(metrics[name]), UNDEFINED if interval is None else "–".join(map(_cell, interval))]
        for name in METRICS
        for interval in [metrics["intervals"].get(name)]
    )
    return _aligned([["rows", _cell(metrics["rows"]), f"{100 * LEVEL:.0f} % interval"], *rows])


def _calibration(report: Mapping[str, Any]) -> list[str]:
    """Nothing where there is nothing to compare with."""
    if "before" not in report:
        return []
    title = "calibrated here" if report["in_sample"] else "calibration"
    rows = ([name, *map(_cell, report[name].values())] for name in ("before", "after"))
    return [_aligned([[title, *report["before"]], *rows])]


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
