"""Reads texts, with or without labels, from files and streams: one `Example` or `BadRow` per record.

A bad row never stops the reader: it is reported with its line, and the next one is read. A file that cannot be
used at all is a `DataError`. Memory is bounded by `max_line_bytes`, whatever a file holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seqtrain.data.files import expand, open_bytes
from seqtrain.data.formats.jsonl import jsonl
from seqtrain.data.formats.lines import ByteStream, Lines
from seqtrain.data.formats.record import BadRow, Columns, Example, Parse, RowError, Source
from seqtrain.data.formats.table import csv, tsv
from seqtrain.data.formats.text import txt
from seqtrain.errors import DataError, UsageError

__all__ = ["READERS", "BadRow", "Columns", "Example", "expand", "read", "read_stream"]

READERS: dict[str, Callable[[Source], Parse]] = {".tsv": tsv, ".csv": csv, ".jsonl": jsonl, ".txt": txt}


def read(
    paths: str | Path | Sequence[str | Path],
    *,
    columns: Columns | None,
    labelled: bool,
    max_line_bytes: int,
    format: str | None = None,
    keep: tuple[int | str, ...] = (),
) -> Iterator[Example | BadRow]:
    """The records of all files, one after the other; names and patterns as `expand` takes them.

    The format, unless it is given, follows the suffix (READERS), with `.gz` on top. `keep` are further columns, for
    `Example.kept`. Without `columns`, tables have the label in column 0
    and the text in column 1 (texts alone may stand in a table of one column), JSON objects have the keys `label` and
    `text`. Unlabelled input is read for its text only; an empty line or text is an Example like any other.

    Raises DataError for a file that is missing, of no known format, unreadable, damaged or, if labelled, without a
    row: the first two at once, the others when the file's turn comes.
    """
    files = [(path, format or _format(path)) for path in expand(paths)]

    def records() -> Iterator[Example | BadRow]:
        for path, suffix in files:
            with open_bytes(path) as stream:
                yield from read_stream(
                    stream,
                    str(path),
                    format=suffix,
                    columns=columns,
                    labelled=labelled,
                    max_line_bytes=max_line_bytes,
                    keep=keep,
                )

    return records()


def _format(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    for suffix in READERS:
        if name.endswith(suffix):
            return suffix
    raise DataError(f"{path}: unknown format", hint=f"Names end in {', '.join(READERS)}, each also with .gz.")


def read_stream(
    stream: ByteStream,
    name: str,
    *,
    format: str = ".txt",
    columns: Columns | None = None,
    labelled: bool = False,
    max_line_bytes: int,
    remedy: str = "shorten it or raise data.max_line_bytes",
    keep: tuple[int | str, ...] = (),
) -> Iterator[Example | BadRow]:
    """The records of an open stream of bytes in one of the formats of READERS.

    `name` names it in messages; `remedy` says there what to do about a line over the limit. `keep`: as in `read`.
    """
    if labelled and columns is not None and columns.label is None:
        raise UsageError("data.columns has no label", hint="Say where it is: data.columns.label.")
    source = Source(name, Lines(stream, name, max_line_bytes), columns, labelled, remedy, keep)
    parse = READERS[format](source)
    any_record = False
    for record in _records(source, parse):
        any_record = True
        yield record
    if labelled and not any_record:
        raise DataError(f"{name}: no rows to read", hint="Labelled data needs at least one.")


def _records(source: Source, parse: Parse) -> Iterator[Example | BadRow]:
    """Parses line by line. An empty line is a bad row in labelled data, unless none but empty ones follow."""
    lines, name = source.lines, source.name
    empty_lines = 0
    record: Example | BadRow
    for line in lines:
        number = lines.number
        if line == b"" and source.labelled:
            empty_lines += 1
            continue
        for empty in range(number - empty_lines, number) if empty_lines else ():
            yield BadRow(name, empty, "empty line", "the line is empty; remove it", 1)
        empty_lines = 0
        try:
            record = _record(line, number, source, parse)
        except RowError as error:
            record = BadRow(name, number, error.kind, error.message, error.column, lines.record())
        yield record


def _record(line: bytes | None, number: int, source: Source, parse: Parse) -> Example:
    if line is None:
        problem = f"the line has more than {source.lines.limit:,} bytes; {source.remedy}"
        raise RowError("line too long", problem)
    return parse(line, number) if line else source.blank(number)
