"""What is left out in a step, next to the shares that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from seqtrain.model.dropout import Dropout, drop_words, rare_shares

WORDS = 400
COUNTS = np.array([0, 7, *np.repeat([1, 2, 20, 1000], (WORDS - 2) // 4 + 1)][:WORDS])


def dropped(dropout: Dropout, step: int, ids: np.ndarray | None = None) -> np.ndarray:
    """The rows of ones that the network gets, <float32>[ids]."""
    ids = np.arange(WORDS, dtype=np.int32) if ids is None else ids
    return np.asarray(drop_words(np.ones((len(ids), 1), np.float32), ids, dropout, WORDS, [3, step]))[:, 0]


def mean_dropped(dropout: Dropout, steps: int = 300) -> np.ndarray:
    return np.mean([dropped(dropout, step) == 0 for step in range(steps)], axis=0)


def test_the_rarer_a_word_the_more_often_it_is_left_out():
    share = mean_dropped(Dropout(words=0.1, rare=rare_shares(COUNTS, 1.0)))
    for count, expected in ((1, 1 / 2), (2, 1 / 3), (20, 0.1), (1000, 0.1)):
        of_count = share[count == COUNTS]
        assert of_count.mean() == pytest.approx(expected, abs=0.015)
        assert of_count.std() < 0.05  # each word by itself


def test_a_word_that_no_row_has_is_no_rare_one():
    """<pad> is among them; a share of 1 would leave nothing to scale."""
    shares = rare_shares([0, 0, 3, 0], 5.0)
    np.testing.assert_allclose(shares, [0, 0, 5 / 8, 0])


def test_without_rare_all_words_have_the_same_share():
    assert rare_shares(COUNTS, 0.0) is None
    share = mean_dropped(Dropout(words=0.3))
    assert share.mean() == pytest.approx(0.3, abs=0.01)
    assert share.std() < 0.05


@pytest.mark.parametrize("rare", [0.0, 2.0])
def test_what_stays_is_scaled_by_the_share_of_all(rare):
    kept = dropped(Dropout(words=0.2, rare=rare_shares(COUNTS, rare)), step=1)
    np.testing.assert_allclose(kept[kept > 0], 1 / 0.8, rtol=1e-6)


@pytest.mark.parametrize("dropout", [Dropout(), Dropout(rare=np.zeros(WORDS, np.float32))])
def test_nothing_is_left_out_where_nothing_is_asked_for(dropout):
    assert (dropped(dropout, step=1) == 1).all()


def test_a_word_shares_its_fate_with_no_batch():
    dropout = Dropout(words=0.3, rare=rare_shares(COUNTS, 1.0))
    everywhere = dropped(dropout, step=5)
    some = np.random.default_rng(0).permutation(WORDS)[:50].astype(np.int32)
    np.testing.assert_array_equal(dropped(dropout, step=5, ids=some), everywhere[some])
