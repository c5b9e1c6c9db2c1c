"""What every format makes of a file: examples and bad rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from seqtrain.data.formats.lines import Lines

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its label (None in unlabelled input), its weight and where it stands.

    `line` counts from 1; for a record of several lines it is the first of them.
    """

    text: str
    label: str | None
    weight: float
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that cannot be used: where it stands, the kind of fault (to count by) and what is wrong."""

    file: str
    line: int
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


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
    """What is wrong with the record at hand; the reader makes a BadRow of it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclass(frozen=True, slots=True)
class Source:
    """What the parser of a format needs to know about the file at hand."""

    name: str
    lines: Lines
    columns: Columns | None
    labelled: bool

    def example(self, text: str, label: str | None, weight: float, line: int) -> Example:
        """The example. If it has a label, RowError for a blank one, a blank text or control characters in the label."""
        if label is not None:
            label = label.strip()
            if not label:
                raise RowError("empty label", "the label is empty")
            if _CONTROL.search(label):
                raise RowError("bad label", f"label {label!r} has a control character in it")
            if not text or text.isspace():
                raise RowError("empty text", "the text is empty")
        return Example(text, label, weight, self.name, line)


Parse = Callable[[bytes, int], Example]
"""Makes an example of a line (its bytes without the end, and its number) or raises RowError."""

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-30, 1e30  # in between, a float32 is neither zero nor infinite


def checked_weight(value: float, written: str) -> float:
    """The weight of an example, a positive finite number; `written` is how the file has it."""
    if not SMALLEST_WEIGHT <= value <= LARGEST_WEIGHT:
        raise RowError("bad weight", f"weight {written} is not a number above zero")
    return float(value)


def decode(data: bytes) -> str:
    """The text of UTF-8 bytes. Raises RowError for anything else and for NUL."""
    if b"\0" in data:
        raise RowError("NUL", f"byte {data.index(0) + 1} of the row is NUL; remove it")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} of the row (0x{data[error.start]:02x})"
        raise RowError("undecodable bytes", f"{byte} is not UTF-8; convert the file to UTF-8") from error
