"""The figures of a corpus."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqtrain.data import stats
from seqtrain.data.stats import CorpusStats, corpus_stats
from seqtrain.data.storage import Corpus

CORPUS = Corpus(
    token_ids=np.array([1, 5, 6, 1, 1, 7], np.int32),
    offsets=np.array([0, 3, 4, 6]),
    labels=np.array([2, 0, 2], np.int32),
    weights=np.ones(3, np.float32),
    truncated=np.array([True, False, False]),
    files=np.zeros(3, np.int32),
    lines=np.arange(3),
    file_names=["a.tsv"],
)


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_the_figures(monkeypatch, chunk):
    monkeypatch.setattr(stats, "_CHUNK", chunk)
    counted = corpus_stats(CORPUS, ["neg", "none", "pos"])
    assert counted == CorpusStats(3, 6, 1, 3, {"neg": 1, "none": 0, "pos": 2})
    assert counted.unknown_share == 0.5


def test_the_line_for_people():
    counted = CorpusStats(10605, 231_000, 13, 4_851, {"neg": 5242, "pos": 5363})
    assert str(counted) == (
        "10,605 rows (neg 5,242, pos 5,363), 231,000 tokens, 2.1% unknown, 13 texts truncated"
    )


def test_many_labels_are_cut_short():
    assert "l9 0 and 90 more)" in str(corpus_stats(CORPUS, [f"l{index}" for index in range(100)]))


def test_an_empty_corpus_has_no_unknown_share():
    empty = np.empty(0, np.int32)
    counted = corpus_stats(replace(CORPUS, token_ids=empty, labels=empty, truncated=empty), ["neg"])
    assert counted.unknown_share == 0
