"""Numbered lines of a byte stream, none of them ever held in memory beyond a limit."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from seqtrain.errors import DataError

ELLIPSIS = "…".encode()

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

    Each step of the iteration begins a record; `further` lets it go on over the next line.
    """

    def __init__(self, stream: ByteStream, name: str, limit: int) -> None:
        self.limit = limit
        self.number = 0
        self._readline = stream.readline
        self._record: list[bytes] = []  # its lines with their ends
        self._last: bytes | None = None  # of these lines, without its end
        self._waiting: deque[bytes] = deque()
        self._start(name)

    def _start(self, name: str) -> None:
        first = self._read(len(_BYTE_ORDER_MARK))
        for signature, (problem, remedy) in _NOT_TEXT.items():
            if first.startswith(signature):
                raise DataError(f"{name}: is {problem}", hint=remedy)
        first = first.removeprefix(_BYTE_ORDER_MARK)
        if first:
            self._waiting.append(first)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes | None:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._record = [line]
        self._last = self._trim(line)
        return self._last

    def further(self) -> bytes | None:
        """The next line as one more of the same record; None at the end, and for a line over the limit."""
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            return None
        self.number += 1
        self._record.append(line)
        self._last = self._trim(line)
        return self._last

    def give_back(self) -> None:
        """Puts back all lines of the record but the first; they come again."""
        self._waiting.extendleft(reversed(self._record[1:]))
        self.number -= len(self._record) - 1
        del self._record[1:]
        self._last = self._trim(self._record[0])

    def record(self) -> bytes:
        """The bytes of the record, without the last line end; of a line over the limit the start and an ellipsis."""
        if self._last is None:
            return self._record[0][: self.limit] + ELLIPSIS
        return b"".join(self._record[:-1]) + self._last if len(self._record) > 1 else self._last

    def _trim(self, line: bytes) -> bytes | None:
        """Takes the end off; None if what remains is over the limit."""
        if line.endswith(b"\r\n"):
            text = line[:-2]
        elif line.endswith(b"\n"):
            text = line[:-1]
        else:
            text = line
        return text if len(text) <= self.limit else None

    def _read(self, extra: int = 0) -> bytes:
        """The next line with its end, or what shows that it is over the limit, whose rest is then skipped."""
        line = self._readline(self.limit + 2 + extra)  # room for CRLF
        if len(line) > self.limit + 1:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._readline(_SKIPPED_AT_ONCE)
        return line
