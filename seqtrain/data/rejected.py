"""The file of rejected rows, rejected.tsv: a header, and a line for each row that was skipped."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from seqtrain.data.formats.record import BadRow

HEADER = b"file\tline\treason\trow\n"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


class Rejected:
    """Writes each row it is called with, while it is open: `with Rejected(path) as rejected: rejected(row)`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Rejected:
        self._file: BinaryIO = self._path.open("wb")
        self._file.write(HEADER)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __call__(self, row: BadRow) -> None:
        place = "" if row.column is None else f", byte {row.column}"
        reason = f"{row.kind}{place}: {row.message}"
        cells = (os.fsencode(row.file), b"%d" % row.line, reason.encode(errors="backslashreplace"), row.row)
        self._file.write("\t".join(map(escaped, cells)).encode() + b"\n")


def escaped(data: bytes) -> str:
    r"""The bytes as one cell of a table, which `printf %b` turns back.

    A backslash is written `\\`; tab, LF and CR `\t`, `\n` and `\r`; other controls and what is not UTF-8 as bytes.

    >>> print(escaped(b"a\tb\x00\xff"))
    a\tb\x00\xff
    """
    text = data.replace(b"\\", rb"\\").decode(errors="backslashreplace")
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT.get(character) or "".join(f"\\x{byte:02x}" for byte in character.encode())
