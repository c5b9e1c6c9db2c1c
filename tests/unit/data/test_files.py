"""Names and patterns become files, and damaged files become errors that name them."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from unittest import mock

import pytest

from seqtrain.data.files import expand, open_bytes
from seqtrain.data.formats.lines import Lines
from seqtrain.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.tsv", "a.tsv", "[x].tsv", "deep/er/c.tsv", "deep/d.csv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "files"),
    [
        ("b.tsv", ["b.tsv"]),
        (Path("b.tsv"), ["b.tsv"]),
        ("?.tsv", ["a.tsv", "b.tsv"]),
        (["b.tsv", "?.tsv"], ["b.tsv", "a.tsv"]),
        ("[x].tsv", ["[x].tsv"]),
        ("**/*.tsv", ["[x].tsv", "a.tsv", "b.tsv", "deep/er/c.tsv"]),
        ("deep/*", ["deep/d.csv"]),
        ([], []),
    ],
)
@pytest.mark.usefixtures("folder")
def test_expand(paths: str | Path | list[str | Path], files: list[str]) -> None:
    assert expand(paths) == list(map(Path, files))


@pytest.mark.usefixtures("folder")
def test_expand_tells_of_everything_that_is_missing() -> None:
    with pytest.raises(DataError) as caught:
        expand(["a.tsv", "deep/d.tsv", "deep", "*.txt", "none/c.tsv"])
    assert str(caught.value).split("\n") == [
        "deep/d.tsv: no such file",
        "  Did you mean 'deep/d.csv'?",
        "deep: is a folder",
        "  Name the files in it, one by one or by a pattern.",
        "*.txt: no file matches",
        "  Paths start where the command runs.",
        "none/c.tsv: no such file",
        "  Paths start where the command runs.",
    ]


def test_a_folder_that_may_not_be_listed_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", mock.Mock(side_effect=PermissionError))
    with pytest.raises(DataError, match=r"^a\.tsv: no such file"):
        expand("a.tsv")


@pytest.mark.parametrize("keep", [5, 20, -1])
def test_truncated_gzip(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(os.urandom(1000))[:keep])
    with pytest.raises(DataError, match="damaged gzip data"), open_bytes(path) as stream:
        list(Lines(stream, "f", 100))


@pytest.mark.parametrize(
    "damaged", [b"no gzip at all", gzip.compress(b"x")[:-8] + b"12345678", b"\x1f\x8b\x08" + b"9" * 40]
)
def test_damaged_gzip(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="damaged gzip data"), open_bytes(path) as stream:
        stream.readline(100)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"), open_bytes(tmp_path):
        pass
