"""Any bytes, read as any format: the laws of fuzzing.laws hold, compressed or not, and memory stays within bounds."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from fuzzing.laws import BY_NAME, SETTINGS, check_reading
from fuzzing.mutation import mutated
from fuzzing.nasty import COMPRESSED, GOOD, HEADERS, PIECES, bomb, files
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.reader import BadRow, Columns, Example, read
from seqtrain.errors import DataError

FILES = files()
PLAIN = {key: content for key, content in FILES.items() if not key[1].endswith(".gz")}
LIMIT = 8000  # below the long lines of the nasty files

pieces = st.lists(st.one_of(st.sampled_from([*PIECES, *GOOD.values()]), st.binary(max_size=3)), max_size=30)
limits = st.sampled_from([1, 2, 7, 40, 4000, LIMIT])


@pytest.mark.parametrize("suffix", GOOD)
@settings(deadline=None, max_examples=600)
@given(data=pieces.map(b"".join), setting=st.sampled_from(SETTINGS), limit=limits)
def test_pieces_put_together(
    suffix: str, data: bytes, setting: tuple[Columns | None, bool], limit: int
) -> None:
    check_reading(HEADERS.get(suffix, b"") * (setting[0] == BY_NAME) + data, suffix, *setting, limit)


@settings(deadline=None, max_examples=1000)
@given(st.sampled_from(sorted(PLAIN)), st.integers(0, 2**32), st.sampled_from(SETTINGS), limits)
def test_nasty_files_made_worse(
    name: tuple[str, str], seed: int, setting: tuple[Columns | None, bool], limit: int
) -> None:
    check_reading(mutated(PLAIN[name], Random(seed)), name[1], *setting, limit)


@pytest.mark.parametrize(("name", "suffix"), sorted(PLAIN))
def test_nasty_files(name: str, suffix: str) -> None:
    for setting in SETTINGS:
        for limit in (9, LIMIT, 1 << 20):
            check_reading(PLAIN[name, suffix], suffix, *setting, limit)


def read_all(path: Path, labelled: bool) -> list[Example | BadRow] | str:
    """All records; what the error says if there is one. The names of the files apart."""
    try:
        return list(read(path, columns=None, labelled=labelled, max_line_bytes=LIMIT))
    except DataError as error:
        return str(error).replace(str(path), "")


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(PLAIN)), st.integers(0, 2**32), st.booleans())
def test_compressed_like_plain(
    tmp_path_factory: pytest.TempPathFactory, name: tuple[str, str], seed: int, labelled: bool
) -> None:
    data = mutated(PLAIN[name], Random(seed))
    folders = [tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("compressed")]
    (folders[0] / f"a{name[1]}").write_bytes(data)
    (folders[1] / f"a{name[1]}.gz").write_bytes(gzip.compress(data, 1))
    plain, compressed = (read_all(next(folder.iterdir()), labelled) for folder in folders)
    if isinstance(plain, str):
        assert compressed == plain
    else:
        assert list(map(content, compressed)) == list(map(content, plain))


def content(row: Example | BadRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in row.__slots__ if name != "file")


@pytest.mark.parametrize("suffix", GOOD)
@pytest.mark.parametrize("name", COMPRESSED)
def test_damaged_compression(tmp_path: Path, suffix: str, name: str) -> None:
    """Data that are whole are read; damage is told when it is met, if only after the last record."""
    path = tmp_path / f"a{suffix}.gz"
    path.write_bytes(FILES[f"gzip: {name}", f"{suffix}.gz"])
    rows = read_all(path, labelled=True)
    if name in ("good", "two members", "empty members", "zeros behind"):
        assert not isinstance(rows, str)
    else:
        assert isinstance(rows, str)
        assert rows.startswith((": damaged gzip data: ", ": is gzip data"))


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(GOOD)), st.integers(0, 2**32))
def test_compressed_data_made_worse(tmp_path_factory: pytest.TempPathFactory, suffix: str, seed: int) -> None:
    path = tmp_path_factory.mktemp("worse") / f"a{suffix}.gz"
    path.write_bytes(mutated(gzip.compress(GOOD[suffix]), Random(seed)))
    read_all(path, labelled=True)


@pytest.mark.parametrize("line", [b"\0", b"[", b'pos,"', b"x" * 300 + b"\n", b'"' + b"x" * 300 + b"\n"])
@pytest.mark.parametrize("suffix", GOOD)
def test_a_bomb_takes_no_more_memory_than_a_line(tmp_path: Path, suffix: str, line: bytes) -> None:
    path = tmp_path / f"a{suffix}.gz"
    path.write_bytes(bomb(2, line))
    tracemalloc.start()
    for _ in read(path, columns=None, labelled=True, max_line_bytes=LIMIT):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
