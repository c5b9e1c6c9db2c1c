"""Corpus files: what is written block by block is what is mapped, whatever the blocks."""

from __future__ import annotations

import errno
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data import storage
from seqtrain.data.storage import COLUMNS, Block, Corpus

rows = st.lists(
    st.tuples(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 3), st.booleans()),
    max_size=20,
)


def block(rows) -> Block:
    """Rows of (token ids, label, truncated)."""
    return Block(
        token_ids=np.array([token for tokens, *_ in rows for token in tokens], np.int64),
        lengths=np.array([len(tokens) for tokens, *_ in rows], np.int64),
        labels=np.array([label for _, label, _ in rows], np.int64),
        weights=np.array([label / 2 for _, label, _ in rows]),
        truncated=np.array([truncated for *_, truncated in rows], bool),
        files=np.array([label % 2 for _, label, _ in rows], np.int64),
        lines=np.array([10**10 + label for _, label, _ in rows], np.int64),
    )


def as_rows(corpus):
    tokens = np.split(corpus.token_ids, corpus.offsets[1:-1]) if len(corpus) else []
    columns = tokens, corpus.labels, corpus.truncated, corpus.weights, corpus.files, corpus.lines
    return [(ids.tolist(), *(cell.item() for cell in cells)) for ids, *cells in zip(*columns, strict=True)]


def expected(rows):
    return [
        (tokens, label, truncated, label / 2, label % 2, 10**10 + label) for tokens, label, truncated in rows
    ]


@given(st.lists(rows, max_size=4))
def test_blocks_come_back_as_one_corpus(tmp_path_factory, parts):
    corpus = storage.write(map(block, parts), tmp_path_factory.mktemp("corpus"), ["a", "b"])
    together = [row for part in parts for row in part]
    assert as_rows(corpus) == expected(together)
    assert len(corpus) == len(together)
    assert corpus.lengths.tolist() == [len(tokens) for tokens, *_ in together]


@given(rows, st.integers(1, 30), st.randoms(use_true_random=False))
def test_reading_in_blocks_keeps_the_kept_rows(tmp_path_factory, rows, size, random):
    corpus = storage.write([block(rows)], tmp_path_factory.mktemp("corpus"), ["a", "b"])
    keep = np.array([random.random() < 0.5 for _ in rows], bool)
    with mock.patch.object(storage, "BLOCK_TOKENS", size):
        parts = list(storage.blocks(corpus, keep))
    copy = storage.write(parts, tmp_path_factory.mktemp("copy"), corpus.file_names)
    assert as_rows(copy) == expected([row for row, kept in zip(rows, keep, strict=True) if kept])
    assert all(len(part.token_ids) < size + 6 for part in parts)


def test_a_corpus_is_mapped_in_its_types_and_cannot_be_written_to(tmp_path):
    storage.write([block([([1, 2], 0, True)])], tmp_path, ["ü/a.tsv"])
    corpus = Corpus.open(tmp_path)
    assert {name: getattr(corpus, name).dtype for name in COLUMNS} == {
        "token_ids": np.int32,
        "offsets": np.int64,
        "labels": np.int32,
        "weights": np.float32,
        "truncated": np.bool_,
        "files": np.int32,
        "lines": np.int64,
    }
    assert corpus.lengths.dtype == np.int32
    assert corpus.location(0) == "ü/a.tsv:10000000000"
    with pytest.raises(ValueError, match="read-only"):
        corpus.token_ids[0] = 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_is_told_as_one(tmp_path):
    (tmp_path / "token_ids").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        storage.write([block([([1, 2], 0, True)])], tmp_path, ["a.tsv"])
    assert caught.value.errno == errno.ENOSPC
