"""A stratified share: a partition, true to each label's share, the same for the same arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.splitting import stratified_share
from seqtrain.errors import DataError
from tests import strategies

shares = st.floats(0.001, 0.999)
labels = st.lists(st.integers(2, 40), min_size=1, max_size=6).flatmap(
    lambda counts: st.permutations([label for label, count in enumerate(counts) for _ in range(count)])
)


@given(labels, shares, strategies.seeds)
def test_every_row_is_on_one_side(labels, share, seed):
    train, dev = stratified_share(labels, share, seed)
    assert sorted([*train, *dev]) == list(range(len(labels)))
    assert train.tolist() == sorted(train)
    assert dev.tolist() == sorted(dev)


@given(labels, shares, strategies.seeds)
def test_every_label_keeps_its_share_and_is_on_both_sides(labels, share, seed):
    _, dev = stratified_share(labels, share, seed)
    totals, held_out = np.bincount(labels), np.bincount(np.array(labels)[dev], minlength=max(labels) + 1)
    for total, count in zip(totals, held_out, strict=True):
        assert 1 <= count <= total - 1
        assert abs(count - share * total) <= 0.5 or count in (1, total - 1)


@given(labels, shares, strategies.seeds)
def test_the_names_of_labels_do_not_matter(labels, share, seed):
    """Label ids are provisional when a share is drawn: other numbers for the same classes, the same rows."""
    renamed = max(labels) - np.array(labels)
    for one, other in zip(
        stratified_share(labels, share, seed), stratified_share(renamed, share, seed), strict=True
    ):
        assert one.tolist() == other.tolist()


def test_a_share_of_labels_that_are_sorted_is_drawn_all_over():
    _, dev = stratified_share([0] * 500 + [1] * 500, 0.1, seed=1)
    assert len(dev) == 100
    assert 200 < np.mean(dev[dev < 500]) < 300
    assert len(np.unique(np.diff(dev))) > 10


def test_golden_share():
    """A change of these rows moves every user's held-out rows into training."""
    _, dev = stratified_share([0, 1] * 20, 0.2, seed=1)
    assert dev.tolist() == [2, 3, 12, 29, 33, 34, 35, 36]


def test_another_seed_is_another_share():
    labels = [0, 1] * 500
    first, second = (set(stratified_share(labels, 0.1, seed)[1].tolist()) for seed in (1, 2))
    assert len(first & second) < 30


def test_a_single_row_of_a_label_cannot_be_shared():
    with pytest.raises(DataError) as caught:
        stratified_share([0, 0, 1, 2, 2, 3], 0.5, 1, names=["neg", "neutral", "pos", "mixed"])
    assert str(caught.value) == (
        "a dev share takes two rows of each label, but there is only one of 'neutral', 'mixed'\n"
        "  Add rows, take the label out, or name a file of its own for data.dev."
    )


def test_a_single_row_of_many_labels_is_a_short_message():
    with pytest.raises(DataError, match="of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more\n"):
        stratified_share(range(1000), 0.5, 1)
