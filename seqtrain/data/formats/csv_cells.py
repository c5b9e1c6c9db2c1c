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
    row = _Row(line, lines)
    try:
        cells = _cells(row)
    except RowError:
        lines.give_back(row.taken)
        raise
    return [decode(cell) for cell in cells]


class _Row:
    """The line that is being cut, and the lines that the row has taken after its first."""

    def __init__(self, line: bytes, lines: Lines) -> None:
        self.line = line
        self.taken: list[bytes | None] = []
        self._lines = lines
        self._room = lines.limit - len(line)

    def advance(self) -> None:
        """Goes to the next line. Raises RowError if there is none, or none within the limit for a line."""
        for line in self._lines:
            self.taken.append(line)
            self._room -= len(line or b"") + 1
            if line is None or self._room < 0:
                break
            self.line = line
            return
        raise RowError(
            "unclosed quote", 'a cell starts with a quote that is never closed; write " in a text as ""'
        )


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
    while (end := _closing_quote(row.line, start)) < 0:
        parts.append(row.line[start:])
        row.advance()
        start = 0
    if row.line[end + 1 : end + 2] not in (b"", b","):
        raise (
            _unclosed() if parts else _stray()
        )  # on a later line it is the opening quote of another row's cell
    parts.append(row.line[start:end])
    return b"\n".join(parts).replace(b'""', b'"'), end + 1


def _unclosed() -> RowError:
    return RowError(
        "unclosed quote", 'a cell starts with a quote that is never closed; write " in a text as ""'
    )


def _stray() -> RowError:
    return RowError("stray quote", 'text follows a closing quote; write " in a quoted text as ""')


def _closing_quote(line: bytes, start: int) -> int:
    """Where the first quote stands that is not doubled; -1 if there is none."""
    while (quote := line.find(b'"', start)) >= 0:
        if line[quote + 1 : quote + 2] != b'"':
            return quote
        start = quote + 2
    return -1
