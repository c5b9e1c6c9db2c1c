"""Corpora that are opened again: the same ones, or a DataError for anything that could not be computed with."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data import corpora as corpora_module
from seqtrain.data.corpora import Corpora
from seqtrain.data.corpus import build_corpora
from seqtrain.data.reader import Example, read
from seqtrain.data.storage import COLUMNS
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer("word", lowercase=True, max_length=9, truncate="middle")
TEXTS = ["a good plot", "a bad plot", "good, good, good", "Ärger", "bad", "no plot"] * 5
FILES = [f"{split}/{name}" for split in ("train", "dev") for name in (*COLUMNS, "file_names.json")] + [
    "vocabulary.tsv",
    "labels.json",
    "index.json",
]


def build(rows, folder):
    return build_corpora(rows, 0.3, folder, TOKENIZER, min_count=1, max_size=8, split_seed=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    rows = [Example(text, "np"[row % 2], 1.0, "a.tsv", row + 1) for row, text in enumerate(TEXTS)]
    build(rows, folder)
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy of the corpora to do damage to."""
    return shutil.copytree(built, tmp_path / "corpora")


def contents(corpora):
    columns = [
        (name, getattr(corpus, name).tolist())
        for corpus in (corpora.train, corpora.dev)
        for name in (*COLUMNS, "lengths")
    ]
    return columns, corpora.train.file_names, corpora.dev.file_names, corpora.vocabulary, corpora.labels


def test_the_files_of_a_corpus(built):
    assert sorted(
        path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()
    ) == sorted(FILES)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from("npü")), max_size=20), st.integers(1, 9))
def test_what_was_built_is_opened(tmp_path_factory, rows, block):
    folder = tmp_path_factory.mktemp("corpora")
    rows = [*rows, *[("a", label) for label in "npü"] * 2]
    corpora = build([Example(*row, 1.0, "ä.tsv", line) for line, row in enumerate(rows, start=1)], folder)
    with mock.patch.object(corpora_module, "_BLOCK", block):
        assert contents(Corpora.open(folder)) == contents(corpora)


def test_neither_the_data_nor_the_place_are_needed(tmp_path):
    source = tmp_path / "data.tsv"
    source.write_text("".join(f"{'np'[row % 2]}\t{text}\n" for row, text in enumerate(TEXTS)))
    corpora = build(read(source, columns=None, labelled=True, max_line_bytes=1000), tmp_path / "corpora")
    before = contents(corpora)
    source.unlink()
    (tmp_path / "corpora").rename(tmp_path / "elsewhere")
    after = Corpora.open(tmp_path / "elsewhere")
    assert contents(after) == before
    assert after.train.location(0).startswith(f"{source}:")


def refused(folder):
    with pytest.raises(DataError) as caught:
        Corpora.open(folder)
    assert str(caught.value).startswith(f"{folder}: no whole corpora: ")
    return str(caught.value)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [None, 0, 1, -1, -8, 8])
def test_a_file_that_is_missing_or_of_another_size(folder, name, size):
    """size: what is left, without so many bytes, or with so many more."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if size is not None:
        path.write_bytes(content + bytes(8) if size == 8 else content[:size])
    refused(folder)


def test_a_file_too_many(folder):
    (folder / "train" / "more").write_bytes(b"")
    refused(folder)


def test_another_version(folder):
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "version": 2}))
    refused(folder)


def column(folder, name):
    return np.memmap(folder / name, COLUMNS[name.split("/")[1]], mode="r+")


@pytest.mark.parametrize("block", [1, 3, 1 << 18])
@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize("place", [0, 2, -1])
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("token_ids", 8, "a token id is outside of 1 to 7"),
        ("token_ids", 0, "a token id is outside of 1 to 7"),
        ("token_ids", -(2**31), "a token id is outside of 1 to 7"),
        ("labels", 2, "a label is outside of 0 to 1"),
        ("labels", -1, "a label is outside of 0 to 1"),
        ("files", 1, "a file is outside of 0 to 0"),
        ("offsets", -1, "its offsets"),
        ("offsets", 2**62, "its offsets"),
    ],
)
def test_a_value_that_stands_for_nothing(folder, monkeypatch, block, split, place, name, value, problem):
    monkeypatch.setattr(corpora_module, "_BLOCK", block)
    Corpora.open(folder)
    column(folder, f"{split}/{name}")[place] = value
    assert problem in refused(folder)


@pytest.mark.parametrize("place", [1, 4])
def test_a_row_without_a_token(folder, monkeypatch, place):
    """Offsets that stay equal are as bad as falling ones, also where two blocks meet."""
    monkeypatch.setattr(corpora_module, "_BLOCK", 4)
    offsets = column(folder, "train/offsets")
    offsets[place] = offsets[place + 1]
    assert "offsets do not ascend" in refused(folder)


def test_columns_of_another_corpus_with_an_index_that_fits(folder):
    """The index alone is not trusted."""
    for name in ("weights", "lines"):
        shutil.copy(folder / "train" / name, folder / "dev" / name)
    index = json.loads((folder / "index.json").read_text())
    sizes = {name: (folder / name).stat().st_size for name in index["bytes"]}
    (folder / "index.json").write_text(json.dumps({**index, "bytes": sizes}))
    assert "not equally long" in refused(folder)


def test_opening_takes_no_memory_for_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora_module, "_BLOCK", 1000)
    rows = (Example("a b c d e f", "np"[row % 2], 1.0, "a.tsv", row + 1) for row in range(20_000))
    build(rows, tmp_path)
    tracemalloc.start()
    Corpora.open(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # the token ids alone have 480,000 bytes
