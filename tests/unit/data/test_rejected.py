"""rejected.tsv: one line for each row, from which its very bytes can be had back."""

from __future__ import annotations

import codecs
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.formats.record import ROW_BYTES
from seqtrain.data.problems import Problems
from seqtrain.data.reader import BadRow
from seqtrain.data.rejected import Rejected, escaped

NASTY = st.sampled_from(
    [b"\\", b"\t", b"\n", b"\r", b"\0", b"\x1b", b"\\x41", b"\xff", "é\u0085\u2028…".encode()]
)


def unescaped(cell: str) -> bytes:
    return codecs.escape_decode(cell.encode())[0]


def table(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text("utf-8").split("\n")]


@settings(deadline=None)
@given(st.lists(st.one_of(NASTY, st.binary(max_size=9)), max_size=9).map(b"".join))
def test_a_cell_gives_back_the_bytes(data: bytes) -> None:
    cell = escaped(data)
    assert unescaped(cell) == data
    assert not set(cell) & set(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029]))


def test_the_file_has_its_header_even_without_a_row(tmp_path: Path) -> None:
    with Rejected(tmp_path / "rejected.tsv"):
        pass
    assert (tmp_path / "rejected.tsv").read_bytes() == b"file\tline\treason\trow\n"


def test_a_line_for_each_row(tmp_path: Path) -> None:
    path = tmp_path / "rejected.tsv"
    name = os.fsdecode(b"od\tt\n\xff.tsv")
    with Rejected(path) as rejected:
        rejected(BadRow("a.tsv", 3, "NUL", "there is a NUL byte", 5, b"pos\t\0"))
        rejected(BadRow(name, 1_000_000, "missing column", "label '\x1b' …", None, b"a"))
    _, *rows, end = table(path)
    assert rows == [
        ["a.tsv", "3", "NUL, byte 5: there is a NUL byte", r"pos\t\x00"],
        [r"od\tt\n\xff.tsv", "1000000", r"missing column: label '\x1b' …", "a"],
    ]
    assert end == [""]


@settings(deadline=None, max_examples=20)
@given(st.integers(ROW_BYTES - 3, ROW_BYTES + 3), st.sampled_from([b"x", "é".encode(), b"\\"]))
def test_a_long_row_is_cut(tmp_path_factory: pytest.TempPathFactory, length: int, sign: bytes) -> None:
    path = tmp_path_factory.mktemp("cut") / "rejected.tsv"
    row = (sign * length)[:length]
    with Rejected(path) as rejected:
        rejected(BadRow("a.tsv", 1, "NUL", "", None, row))
    cell = table(path)[1][3]
    assert unescaped(cell) == (row if length <= ROW_BYTES else row[:ROW_BYTES] + "…".encode())


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        with Rejected(tmp_path / "rejected.tsv") as rejected:
            problems = Problems(rejected)
            bad = (BadRow("a.tsv", line, "NUL", "", None, b"x" * 10**5) for line in range(1, rows + 1))
            assert not list(problems.usable(bad))
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    assert peak(500) < peak(50) + 100_000
