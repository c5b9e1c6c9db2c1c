"""N-grams of corpora as sparse matrices: those of the oracle, however the corpus is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from seqtrain.data import storage
from seqtrain.text.ngrams import Ngrams
from seqtrain.wide import features as module
from seqtrain.wide.features import (
    FEWEST_BUCKETS,
    Sharing,
    enough_buckets,
    feature_matrix,
    ngram_hashes,
    sharing,
)
from tests import oracles
from tests.unit.wide.corpora import WORDS, corpus, random_corpus

NGRAMS = Ngrams(3, WORDS, 100, cut_length=6, cut=3)


@pytest.mark.parametrize("block", [1, 7, 50, 1 << 20])
def test_a_row_has_the_features_of_its_text(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BLOCK_TOKENS", block)
    rows = random_corpus(30, seed=1, telling=False)
    expected = np.zeros((30, NGRAMS.features))
    for row, begin, end in zip(expected, rows.offsets, rows.offsets[1:], strict=False):
        row[list(oracles.ngram_features(rows.token_ids[begin:end].tolist(), **NGRAMS._asdict()))] = 1
    np.testing.assert_array_equal(feature_matrix(rows, NGRAMS).toarray(), expected)


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_ngrams_that_share_a_bucket_are_counted(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """START-2, 2-3 and 3-4, the first and the second in both texts."""
    monkeypatch.setattr(storage, "BLOCK_TOKENS", block)
    rows = corpus([[2, 3], [2, 3, 4]], [0, 1])
    hashes = ngram_hashes(rows, 2)
    assert sharing(hashes, 10**6) == Sharing(3, 10**6, 0)
    assert sharing(hashes, 1) == Sharing(3, 1, 2)


def test_there_are_eight_buckets_for_an_ngram_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = random_corpus(400, seed=1, telling=False)
    ngrams = len(ngram_hashes(rows, 2))
    assert 8 * ngrams <= enough_buckets(ngrams, columns=1) < 16 * ngrams
    assert enough_buckets(len(ngram_hashes(rows, 1)), columns=1) == FEWEST_BUCKETS
    monkeypatch.setattr(module, "MOST_NUMBERS", 10_000)
    assert enough_buckets(ngrams, columns=2) == 8192
    assert enough_buckets(ngrams, columns=100) == FEWEST_BUCKETS
