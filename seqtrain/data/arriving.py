"""Input that arrives while it is read: through a pipe or a socket, from a keyboard."""

from __future__ import annotations

import os
import select

from seqtrain.errors import DataError

_AT_ONCE = 1 << 16
_LONGEST = 1 << 21  # bytes that `pauses` takes in of a line without an end


class Arriving:
    """A `ByteStream` over a file descriptor that can tell whether its next line would have to be waited for.

    An end of file is final, also that of a keyboard. Raises DataError, with `name`, when reading fails.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor, self._name = descriptor, name
        self._arrived = bytearray()  # and not yet given out
        self._ended = False

    def readline(self, size: int, /) -> bytes:
        """The next line with its end, at most `size` bytes of it, b"" at the end; waits for it."""
        while not (end := self._line_end()) and len(self._arrived) < size and not self._ended:
            self._read()
        stop = min(end or len(self._arrived), size)
        line = bytes(self._arrived[:stop])
        del self._arrived[:stop]
        return line

    def pauses(self) -> bool:
        """Whether the next line, or its end, has not arrived yet; never waits. False at the end of the input."""
        while not self._line_end() and len(self._arrived) < _LONGEST and not self._ended:
            if not select.select([self._descriptor], [], [], 0)[0]:
                return True
            self._read()
        return False

    def _line_end(self) -> int:
        """Where the next line ends in what has arrived, 0 if it does not."""
        return self._arrived.find(b"\n") + 1

    def _read(self) -> None:
        """Takes in what is there, after waiting for at least a byte of it or the end."""
        try:
            select.select([self._descriptor], [], [])  # a pipe may be set not to block
            chunk = os.read(self._descriptor, _AT_ONCE)
        except OSError as error:
            raise DataError(f"{self._name}: cannot be read: {error.strerror}") from error
        self._arrived += chunk
        self._ended = not chunk
