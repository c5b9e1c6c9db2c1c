"""One measured figure, and figures as aligned tables, a table a section."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from measure import table


class Row(NamedTuple):
    """value: the median of the repeats; least, most: their extremes; all in `unit`."""

    section: str
    name: str
    value: float
    least: float
    most: float
    unit: str
    note: str = ""


def summary(section: str, name: str, values: Sequence[float], unit: str, note: str = "") -> Row:
    """The row of the figure that was measured several times, at least once."""
    return Row(section, name, statistics.median(values), min(values), max(values), unit, note)


def report(rows: Iterable[Row]) -> str:
    """A table for each section; rows of the same section follow one another."""
    return "\n\n".join(_section(name, list(rows)) for name, rows in groupby(rows, lambda row: row.section))


def _section(name: str, rows: Sequence[Row]) -> str:
    header = (name, "median", "least", "most", "unit", "note")
    lines = [(row.name, *map(shown, row[2:5]), row.unit, row.note) for row in rows]
    return table(header, lines)


def shown(value: float) -> str:
    """Three significant digits at least: 0.123, 12.3, 1,234."""
    return f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3}f}"
