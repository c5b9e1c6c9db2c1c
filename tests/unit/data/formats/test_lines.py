"""Lines end at LF or CRLF and nowhere else, and no line is held in memory beyond the limit."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.formats.lines import Lines

LIMIT = 6


class Recorder(io.BytesIO):
    """A stream that remembers the longest piece it gave out."""

    longest = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.longest = max(self.longest, len(line))
        return line


def expected(data: bytes) -> list[bytes | None]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    ended = [line.removesuffix(b"\r") for line in lines[:-1]]
    last = [line.removesuffix(b"\r") if data.endswith(b"\n") else line for line in lines[-1:]]
    return [line if len(line) <= LIMIT else None for line in ended + last]


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\xc2\x85", b"bcdef"])).map(b"".join))
def test_lines(data: bytes) -> None:
    lines = Lines(io.BytesIO(data), "f", LIMIT)
    assert [(lines.number, line) for line in lines] == list(enumerate(expected(data), 1))


def test_a_byte_order_mark_does_not_count_for_the_limit() -> None:
    assert list(Lines(io.BytesIO(b"\xef\xbb\xbf123456\r\n1234567"), "f", LIMIT)) == [b"123456", None]


def test_a_long_line_is_skipped_in_bounded_pieces() -> None:
    stream = Recorder(b"a\n" + b"x" * 1_000_000 + b"\nb\n")
    assert list(Lines(stream, "f", LIMIT)) == [b"a", None, b"b"]
    assert stream.longest <= 1 << 16


def test_lines_given_back_come_again_with_their_numbers() -> None:
    lines = Lines(io.BytesIO(b"a\nb\n1234567\nd\n"), "f", LIMIT)
    assert [next(lines), lines.further(), lines.further()] == [b"a", b"b", None]
    lines.give_back()
    assert (lines.number, lines.record()) == (1, b"a")
    assert [(lines.number, line) for line in lines] == [(2, b"b"), (3, None), (4, b"d")]
    assert lines.further() is None, "at the end"


def test_a_record_has_the_ends_of_its_lines_but_for_the_last() -> None:
    lines = Lines(io.BytesIO(b"\xef\xbb\xbfa\r\nb\n\r\nnext"), "f", LIMIT)
    assert [next(lines), lines.further(), lines.further()] == [b"a", b"b", b""]
    assert lines.record() == b"a\r\nb\n"
    assert (next(lines), lines.record()) == (b"next", b"next")


def test_the_record_of_a_line_over_the_limit_is_its_start() -> None:
    lines = Lines(io.BytesIO(b"123456789\n"), "f", LIMIT)
    assert next(lines) is None
    assert lines.record() == "123456…".encode()
