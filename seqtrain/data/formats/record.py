"""What every format makes of a file: examples and bad rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqtrain.data.formats.lines import ELLIPSIS, Lines

ROW_BYTES = 4000
LONGEST_LABEL = 1000  # characters; a longer one is a text in the wrong column
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def shown(text: str, *, quoted: bool = True) -> str:
    """A piece of a file for a message: in quotes, controls escaped, cut to 60 characters."""
    safe = repr(text[:60]) if quoted else repr(text[:60])[1:-1]
    return f"{safe}…" if len(text) > 60 else safe


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its label (None in unlabelled input), its weight and where it stands.

    `line` counts from 1; for a record of several lines it is the first of them. `row` is the record as it stands in
    the file, without its line end. `kept` has the values of further columns that were asked for: strings, but for
    what JSON has besides.
    """

    text: str
    label: str | None
    weight: float
    file: str
    line: int
    row: bytes = field(default=b"", compare=False, repr=False)
    kept: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that cannot be used: where it stands, the kind of fault (to count by) and what is wrong.

    `column` is where the fault begins, in bytes of the record from 1, None if it has no place. `row` is the record as
    it stands in the file, without its line end; of a long one the first `ROW_BYTES` bytes and an ellipsis.
    """

    file: str
    line: int
    kind: str
    message: str
    column: int | None = None
    row: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if len(self.row) > ROW_BYTES:
            object.__setattr__(self, "row", self.row[:ROW_BYTES] + ELLIPSIS)

    def __str__(self) -> str:
        column = "" if self.column is None else f"{self.column}:"
        return f"{self.file}:{self.line}:{column} {self.message}"


@dataclass(frozen=True, slots=True)
class Columns:
    """Where label, text and weight stand: numbers from 0 in a table without a header, or names (header, JSON keys).

    Several text columns are joined with one space.
    """

    label: int | str | None
    text: int | str | tuple[int | str, ...]
    weight: int | str | None = None

    @property
    def texts(self) -> tuple[int | str, ...]:
        return self.text if isinstance(self.text, tuple) else (self.text,)

    def used(self, labelled: bool) -> list[int | str]:
        """The columns that every row must have; without labels the text alone."""
        others = (self.label, self.weight) if labelled else ()
        return [*self.texts, *(column for column in others if column is not None)]


class RowError(Exception):
    """What is wrong with the record at hand; the reader makes a BadRow of it.

    value: which value is wrong, "label", "text" or "weight", for a format that knows its column.
    """

    def __init__(self, kind: str, message: str, column: int | None = None, *, value: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.column, self.value = kind, message, column, value


@dataclass(frozen=True, slots=True)
class Source:
    """What the parser of a format needs to know about the file at hand.

    keep: further columns whose values go into `Example.kept`.
    """

    name: str
    lines: Lines
    columns: Columns | None
    labelled: bool
    remedy: str
    keep: tuple[int | str, ...] = ()

    def used(self, columns: Columns) -> list[int | str]:
        """The columns that every row must have."""
        return [*columns.used(self.labelled), *self.keep]

    def example(
        self, text: str, label: str | None, weight: float, line: int, kept: tuple[Any, ...] = ()
    ) -> Example:
        """The example. If it has a label, RowError for one that cannot be meant, and for a blank text."""
        if label is not None:
            label = label.strip()
            if not label:
                raise RowError("empty label", "the label is empty", value="label")
            if len(label) > LONGEST_LABEL:
                problem = f"the label has {len(label):,} characters, more than {LONGEST_LABEL:,}"
                raise RowError("bad label", problem, value="label")
            if _CONTROL.search(label):
                problem = f"label {shown(label)} has a control character in it"
                raise RowError("bad label", problem, value="label")
            if not text or text.isspace():
                raise RowError("empty text", "the text is empty", value="text")
        return Example(text, label, weight, self.name, line, self.lines.record(), kept)

    def blank(self, line: int) -> Example:
        """The example of an empty line, in unlabelled input."""
        return self.example("", None, 1.0, line, ("",) * len(self.keep))


Parse = Callable[[bytes, int], Example]
"""Makes an example of a line (its bytes without the end, and its number) or raises RowError."""

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-30, 1e30  # in between, a float32 is neither zero nor infinite


def checked_weight(value: float, written: str) -> float:
    """The weight of an example, a positive finite number; `written` is how the file has it."""
    if not SMALLEST_WEIGHT <= value <= LARGEST_WEIGHT:
        raise RowError("bad weight", f"weight {shown(written)} is not a number above zero", value="weight")
    return float(value)


def decode(data: bytes) -> str:
    """The text of a record's UTF-8 bytes. Raises RowError for anything else and for NUL."""
    if b"\0" in data:
        raise RowError("NUL", "there is a NUL byte; remove it", data.index(0) + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        problem = f"byte 0x{data[error.start]:02x} is not UTF-8; convert the file to UTF-8"
        raise RowError("undecodable bytes", problem, error.start + 1) from error


def byte_column(text: str, position: int) -> int:
    """The column of a character of a decoded record."""
    return len(text[:position].encode()) + 1
