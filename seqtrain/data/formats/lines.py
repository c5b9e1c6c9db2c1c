"""Numbered lines of a byte stream, none of them ever held in memory beyond a limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from seqtrain.errors import DataError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_TEXT = {
    b"\xff\xfe": ("UTF-16, not UTF-8", "Convert it: iconv -f UTF-16 -t UTF-8"),
    b"\xfe\xff": ("UTF-16, not UTF-8", "Convert it: iconv -f UTF-16 -t UTF-8"),
    b"\x1f\x8b": ("gzip data", "Let its name end in .gz, or decompress it."),
}
_SKIPPED_AT_ONCE = 1 << 16


class ByteStream(Protocol):
    """An open file, a decompressing one, standard input."""

    def readline(self, size: int, /) -> bytes: ...


class Lines:
    """Iterates over the lines of a byte stream without their ends, LF or CRLF; nothing else ends a line.

    A line of more than `limit` bytes comes as None. `number` is that of the line given last, from 1. A UTF-8 byte
    order mark at the start is dropped. Raises DataError for a stream that starts like UTF-16 or gzip.
    """

    def __init__(self, stream: ByteStream, name: str, limit: int) -> None:
        self.limit = limit
        self.number = 0
        self._readline = stream.readline
        self._waiting: deque[bytes | None] = deque()
        self._start(name)

    def _start(self, name: str) -> None:
        first = self._readline(self.limit + 2 + len(_BYTE_ORDER_MARK))
        for signature, (problem, remedy) in _NOT_TEXT.items():
            if first.startswith(signature):
                raise DataError(f"{name}: is {problem}", hint=remedy)
        first = first.removeprefix(_BYTE_ORDER_MARK)
        if first:
            self._waiting.append(self._trim(first))

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes | None:
        if self._waiting:
            self.number += 1
            return self._waiting.popleft()
        line = self._readline(self.limit + 2)  # room for CRLF
        if not line:
            raise StopIteration
        self.number += 1
        return self._trim(line)

    def give_back(self, lines: Iterable[bytes | None]) -> None:
        """Puts back the lines given last, in their order; they come again."""
        given = list(lines)
        self._waiting.extendleft(reversed(given))
        self.number -= len(given)

    def _trim(self, line: bytes) -> bytes | None:
        """Takes the end off; None if what remains is over the limit, whose rest is then skipped."""
        if line.endswith(b"\r\n"):
            text = line[:-2]
        elif line.endswith(b"\n"):
            text = line[:-1]
        else:
            text = line
        if len(text) <= self.limit:
            return text
        while line and not line.endswith(b"\n"):
            line = self._readline(_SKIPPED_AT_ONCE)
        return None
