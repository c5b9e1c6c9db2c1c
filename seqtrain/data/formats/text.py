"""`.txt`: fastText lines (`__label__x text`) where labels are needed, plain text, one a line, where not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seqtrain.data.formats.record import Example, Parse, RowError, Source, byte_column, decode
from seqtrain.errors import DataError

_GAP = r"[ \t\r\v\f]"  # what separates words for fastText; no other white space does
_LABEL_FIRST = re.compile(rf"__label__([^ \t\r\v\f]*)(?:{_GAP}(.*))?", re.DOTALL)
_ANOTHER_LABEL = re.compile(rf"(?:^|{_GAP})(__label__)")


def txt(source: Source) -> Parse:
    return _fasttext(source) if source.labelled else _plain(source)


def _plain(source: Source) -> Parse:
    require_text(source.keep, source.name)
    copies = len(source.keep)

    def parse(line: bytes, number: int) -> Example:
        text = decode(line)
        return source.example(text, None, 1.0, number, (text,) * copies)

    return parse


def require_text(columns: Iterable[int | str], name: str) -> None:
    """DataError unless all of these columns are the only one that plain text has."""
    for column in columns:
        if column not in (0, "text"):
            raise DataError(f"{name}: plain text has no column {column!r}", hint="Its only column is 'text'.")


def _fasttext(source: Source) -> Parse:
    if source.columns is not None and source.columns.weight is not None:
        raise DataError(
            f"{source.name}: fastText lines have no weight", hint="Use .tsv, .csv or .jsonl for weights."
        )

    def parse(line: bytes, number: int) -> Example:
        whole = decode(line)
        match = _LABEL_FIRST.fullmatch(whole)
        if match is None:
            raise RowError("empty label", "the line does not start with __label__", 1)
        label, text = match.groups(default="")
        if another := _ANOTHER_LABEL.search(text):
            column = byte_column(whole, match.start(2) + another.start(1))
            raise RowError("several labels", "the line has several labels; one is needed", column)
        return source.example(text, label, 1.0, number)

    return parse
