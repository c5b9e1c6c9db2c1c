"""Input that arrives while it is read, through pipes that the tests fill."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data import arriving
from seqtrain.data.arriving import Arriving
from seqtrain.errors import DataError

CHUNKS = st.lists(
    st.lists(st.sampled_from([b"a", b"\n", "é".encode()]), max_size=6).map(b"".join), max_size=6
)


@contextmanager
def pipe() -> Iterator[tuple[Arriving, IO[bytes]]]:
    """A stream, and the end of its pipe to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb", buffering=0) as writer:
        yield Arriving(reading, "standard input"), writer


@given(CHUNKS, st.integers(1, 8))
def test_lines_are_those_of_a_file_however_they_arrive(chunks: list[bytes], size: int) -> None:
    file = io.BytesIO(b"".join(chunks))
    with pipe() as (stream, writer):
        for chunk in chunks:
            writer.write(chunk)
            while not stream.pauses():
                assert stream.readline(size) == file.readline(size)
        writer.close()
        assert not stream.pauses()
        assert list(iter(lambda: stream.readline(size), b"")) == list(iter(lambda: file.readline(size), b""))


@pytest.mark.parametrize(
    ("arrived", "pauses"), [(b"", True), (b"half", True), (b"a\n", False), (b"a\nb", False)]
)
def test_a_line_that_is_not_all_there_is_waited_for(arrived: bytes, pauses: bool) -> None:
    with pipe() as (stream, writer):
        writer.write(arrived)
        assert stream.pauses() == pauses


def test_a_line_without_end_is_not_taken_in_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "_LONGEST", 10)
    with pipe() as (stream, writer):
        writer.write(b"x" * 20)
        assert not stream.pauses()
        assert stream.readline(5) == b"xxxxx"


def test_the_end_is_final(tmp_path: Path) -> None:
    """Ctrl-D ends the input of a keyboard, which then could go on."""
    path = tmp_path / "texts"
    path.write_bytes(b"a")
    with path.open("rb") as file:
        stream = Arriving(file.fileno(), "f")
        assert [stream.readline(9), stream.readline(9)] == [b"a", b""]
        path.write_bytes(b"ab")
        assert (stream.readline(9), stream.pauses()) == (b"", False)


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    with pipe() as (stream, writer):
        os.set_blocking(stream._descriptor, False)
        threading.Timer(0.05, writer.write, [b"a\n"]).start()
        assert stream.readline(9) == b"a\n"


def test_a_stream_that_cannot_be_read_is_an_error_of_the_data(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(DataError, match=r"standard input: cannot be read: Is a directory"):
        Arriving(folder, "standard input").readline(9)
    os.close(folder)
