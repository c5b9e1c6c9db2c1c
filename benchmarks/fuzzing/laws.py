"""What must be true of the records of any stream of bytes, whatever it holds."""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from seqtrain.data.formats.lines import ELLIPSIS
from seqtrain.data.formats.record import ROW_BYTES
from seqtrain.data.reader import BadRow, Columns, Example, read_stream
from seqtrain.data.rejected import escaped
from seqtrain.errors import DataError

AT_ONCE = 1 << 16  # bytes that may be asked of a stream at a time, if the limit of a line is lower

BY_NUMBER, BY_NAME = Columns(0, (1, 2), 3), Columns("label", "text", "weight")
SETTINGS = [(columns, labelled) for columns in (None, BY_NUMBER, BY_NAME) for labelled in (True, False)]


class Recorder(io.BytesIO):
    """A stream that remembers the longest piece it was asked for."""

    longest = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.longest = max(self.longest, size)
        return super().readline(size)


def check_reading(
    data: bytes, suffix: str, columns: Columns | None, labelled: bool, limit: int
) -> Counter[str]:
    """How many records there are of each kind; AssertionError if a law is broken.

    A stream gives examples and bad rows, or a DataError as a whole. The records are the lines of the file, each of
    them in one record and in their order, but for a header, for empty lines at the end where labels are needed, and
    for those after a DataError. Each comes with its very bytes, also through rejected.tsv.
    """
    stream = Recorder(data)
    rows: list[Example | BadRow] = []
    outcome: Counter[str] = Counter()
    message = "f:"
    try:
        for row in read_stream(
            stream, "f", format=suffix, columns=columns, labelled=labelled, max_line_bytes=limit
        ):
            rows.append(row)
            outcome[row.kind if isinstance(row, BadRow) else "example"] += 1
    except DataError as error:
        message = str(error)
        outcome["data error"] += 1
    assert message.startswith("f:")
    assert len(message) < 5000
    assert stream.longest <= max(limit + 5, AT_ONCE)
    for row, record in zip(rows, records(data, rows, labelled), strict=True):
        if isinstance(row, BadRow):
            check_bad_row(row, record, limit)
        else:
            assert row.row == record
            check_example(row, labelled)
    return outcome


def records(data: bytes, rows: Sequence[Example | BadRow], labelled: bool) -> list[bytes]:
    """The bytes from each row's line to that of the next, the last line end apart."""
    lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
    while labelled and lines and lines[-1] in (b"\n", b"\r\n"):
        lines.pop()
    places = [*(row.line for row in rows), len(lines) + 1]
    assert all(start < stop for start, stop in pairwise(places)), "each has a line at least"
    return [without_end(b"".join(lines[start - 1 : stop - 1])) for start, stop in pairwise(places)]


def without_end(line: bytes) -> bytes:
    return line[:-2] if line.endswith(b"\r\n") else line.removesuffix(b"\n")


def check_bad_row(row: BadRow, record: bytes, limit: int) -> None:
    long = row.kind == "line too long"
    assert long == (len(record) > limit and b"\n" not in record)
    written = record[:limit] + ELLIPSIS if long else record
    written = written[:ROW_BYTES] + ELLIPSIS if len(written) > ROW_BYTES else written
    assert row.row == written
    assert codecs.escape_decode(escaped(written).encode())[0] == written
    assert row.message
    assert len(str(row)) < 1000
    if row.column is not None:
        assert 1 <= row.column <= len(record) + 1
        check_column(row.kind, record[: row.column - 1], record[row.column - 1 :])


def check_column(kind: str, before: bytes, after: bytes) -> None:
    if kind == "NUL":
        assert after.startswith(b"\0")
        assert b"\0" not in before
    if kind == "undecodable bytes":
        assert before.decode(errors="ignore").encode() == before
        assert after.decode(errors="replace").startswith("\ufffd")


def check_example(row: Example, labelled: bool) -> None:
    row.text.encode()
    assert "\0" not in row.text
    assert (row.label is not None) == labelled
    assert 1e-30 <= row.weight <= 1e30
    if row.label is not None:
        row.label.encode()
        assert row.label == row.label.strip() != ""
        assert row.text.strip()
        assert not any(sign < " " or sign == "\x7f" for sign in row.label)
