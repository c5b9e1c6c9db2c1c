"""Cuts CSV rows as RFC 4180 has them, over several lines where quotes ask for it."""

from __future__ import annotations

from seqtrain.data.formats.lines import Lines
from seqtrain.data.formats.record import RowError, decode


def split_commas(line: bytes, lines: Lines) -> list[str]:
    """The cells of the row that starts with `line`; the further lines that it spans are taken from `lines`.

    A quote inside a cell that does not start with one stands for itself. A line end inside quotes becomes LF. Where
    quotes do not match, RowError is raised and all lines but the first are given back, to be read as rows.
    """
    if b'"' not in line:
        return decode(line).split(",")
    try:
        cells = _cells(_Row(line, lines))
    except RowError:
        lines.give_back()
        raise
    decode(lines.record())  # the row as a whole, so that an error has its place in the row
    return [cell.decode() for cell in cells]


class _Row:
    """The line that is being cut, the first of its row or a later one."""

    def __init__(self, line: bytes, lines: Lines) -> None:
        self.line = line
        self._lines = lines
        self._first = True
        self._room = lines.limit - len(line)

    def advance(self) -> bool:
        """Goes to the next line, if there is one within the limit for a row."""
        line = self._lines.further()
        self._room -= len(line or b"") + 1
        if line is None or self._room < 0:
            return False
        self.line, self._first = line, False
        return True

    def column(self, position: int) -> int | None:
        """That of a byte of the line; None on a later line than the first."""
        return position + 1 if self._first else None


def _cells(row: _Row) -> list[bytes]:
    cells = []
    position = 0
    while True:
        if row.line.startswith(b'"', position):
            cell, position = _quoted(row, position + 1)
        else:
            comma = row.line.find(b",", position)
            end = len(row.line) if comma < 0 else comma
            cell, position = row.line[position:end], end
        cells.append(cell)
        if position == len(row.line):
            return cells
        position += 1  # over the comma


def _quoted(row: _Row, start: int) -> tuple[bytes, int]:
    """The quoted cell whose content begins at `start`, and the position after its closing quote in the row's line."""
    parts = []
    opening = row.column(start - 1)
    while (end := _closing_quote(row.line, start)) < 0:
        parts.append(row.line[start:])
        if not row.advance():
            raise _unclosed(opening)
        start = 0
    if row.line[end + 1 : end + 2] not in (b"", b","):
        # On a later line it is the opening quote of another row's cell.
        raise _unclosed(opening) if parts else _stray(row.column(end + 1))
    parts.append(row.line[start:end])
    return b"\n".join(parts).replace(b'""', b'"'), end + 1


def _unclosed(column: int | None) -> RowError:
    problem = 'a cell starts with a quote that is never closed; write " in a text as ""'
    return RowError("unclosed quote", problem, column)


def _stray(column: int | None) -> RowError:
    return RowError("stray quote", 'text follows a closing quote; write " in a quoted text as ""', column)


def _closing_quote(line: bytes, start: int) -> int:
    """Where the first quote stands that is not doubled; -1 if there is none."""
    while (quote := line.find(b'"', start)) >= 0:
        if line[quote + 1 : quote + 2] != b'"':
            return quote
        start = quote + 2
    return -1
