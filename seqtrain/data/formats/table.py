"""Tables: `.tsv` (a tab always separates) and `.csv` (RFC 4180)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import partial

from seqtrain.data.formats.csv_cells import split_commas
from seqtrain.data.formats.record import (
    Columns,
    Example,
    Parse,
    RowError,
    Source,
    checked_weight,
    decode,
    shown,
)
from seqtrain.errors import DataError
from seqtrain.suggestion import did_you_mean

_SHOWN, _LOOKED_AT = 20, 1000  # names of a header, in a message and to find one that was meant
_NUMBER = re.compile(r"\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def tsv(source: Source) -> Parse:
    return _Table(source, "\t", _split_tabs, "a tab separates columns and cannot be part of a text")


def csv(source: Source) -> Parse:
    split = partial(split_commas, lines=source.lines)
    return _Table(source, ",", split, "a comma separates columns unless the cell is in quotes")


def _split_tabs(line: bytes) -> list[str]:
    return decode(line).split("\t")


class _Table:
    """Parses rows that `split` cuts at `separator`; `rule` explains that to who wrote a row of another width.

    The header or else the first row with all columns in use sets the number of columns.
    """

    def __init__(
        self, source: Source, separator: str, split: Callable[[bytes], list[str]], rule: str
    ) -> None:
        self._source, self._separator, self._split, self._rule = source, separator, split, rule
        columns = source.columns or Columns(label=0, text=1)
        used = source.used(columns)
        header = self._header() if any(isinstance(column, str) for column in used) else []
        position: dict[int | str | None, int] = {
            column: _position(column, header, source.name) for column in used
        }
        self._texts = [position[column] for column in columns.texts]
        # Only where they count: one that is merely kept may hold anything.
        self._label = position.get(columns.label) if source.labelled else None
        self._weight = position.get(columns.weight) if source.labelled else None
        self._kept = [position[column] for column in source.keep]
        self._needed = max(position.values()) + 1
        self._width, self._expected = 0, f"{self._needed} are needed"  # 0: not known yet
        if header:
            self._set_width(len(header))

    def _header(self) -> list[str]:
        """Reads the first line of the file, which names the columns."""
        name = self._source.name
        line = next(self._source.lines, b"")
        if not line:
            raise DataError(
                f"{name}:1: no header", hint="Columns that are given by name need one in the first line."
            )
        try:
            return self._split(line)
        except RowError as error:
            raise DataError(f"{name}:1:{error.column}: the header cannot be read: {error}") from error

    def _set_width(self, width: int) -> None:
        """Takes that of the header; DataError if it has not all columns in use."""
        try:
            self._check_width(width, 1)
        except RowError as error:
            raise DataError(f"{self._source.name}:1: the header has {error}") from error
        self._expected = f"the header has {width}"

    def __call__(self, line: bytes, number: int) -> Example:
        cells = self._split(line)
        try:
            if len(cells) != self._width:
                self._check_width(len(cells), number)
            texts = self._texts
            text = cells[texts[0]] if len(texts) == 1 else " ".join([cells[position] for position in texts])
            label = None if self._label is None else cells[self._label]
            weight = 1.0 if self._weight is None else _weight(cells[self._weight])
            kept = tuple([cells[position] for position in self._kept])
            return self._source.example(text, label, weight, number, kept)
        except RowError as error:
            error.column = self._column(cells, error)
            raise

    def _column(self, cells: list[str], error: RowError) -> int | None:
        """Where the wrong cell begins in the record, as far as no quote stands before it."""
        position = {"label": self._label, "text": self._texts[0], "weight": self._weight}.get(error.value)
        if error.kind == "extra column":
            position = self._width
        if position is None:
            return None
        before = "".join(cell + self._separator for cell in cells[:position]).encode()
        return len(before) + 1 if self._source.lines.record().startswith(before) else None

    def _check_width(self, width: int, number: int) -> None:
        """Takes the width of the first row that is wide enough as the table's; RowError for another one."""
        if not self._width:
            if width == 1 and self._may_be_texts_alone():
                self._texts, self._needed = [0], 1
            if width >= self._needed:
                self._width, self._expected = width, f"line {number} has {width}"
                return
        kind = "missing column" if width < (self._width or self._needed) else "extra column"
        found = "1 column" if width == 1 else f"{width} columns"
        raise RowError(kind, f"{found} where {self._expected}; {self._rule}")

    def _may_be_texts_alone(self) -> bool:
        return not self._source.labelled and self._source.columns is None and not any(self._kept)


def _position(column: int | str, header: Sequence[str], name: str) -> int:
    if isinstance(column, int):
        return column
    if header.count(column) == 1:
        return header.index(column)
    problem = "has no" if column not in header else "has more than one"
    suggestion = did_you_mean(column, header[:_LOOKED_AT]) if column not in header else ""
    names = ", ".join(shown(cell, quoted=False) for cell in header[:_SHOWN])
    hint = f"It has {names}{', …' if len(header) > _SHOWN else ''}.{suggestion}"
    raise DataError(f"{name}:1: the header {problem} column {column!r}", hint=hint)


def _weight(cell: str) -> float:
    return checked_weight(float(cell) if _NUMBER.fullmatch(cell) else math.nan, cell)
