"""Plans as sequences, the padding share, and batches against the rows they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.batching import Batch, collate, pad, padding_share, plan_epoch, plan_evaluation
from seqtrain.data.storage import Corpus
from seqtrain.text.vocabulary import PAD
from tests import strategies

LENGTHS = np.array([5, 1, 9, 3, 3, 7, 2, 40, 3, 8, 6, 4], np.int32)


def a_plan(lengths=LENGTHS):
    return plan_epoch(lengths, seed=1, epoch=0, batch_tokens=30, max_batch=4)


def as_lists(plan):
    return [batch.tolist() for batch in plan]


def test_a_plan_is_a_sequence_of_row_numbers():
    plan = a_plan()
    batches = as_lists(plan)
    assert len(plan) == len(batches) == len([plan[index] for index in range(len(plan))])
    assert plan[-1].tolist() == batches[-1]
    assert plan[0].dtype == np.int64
    with pytest.raises(IndexError):
        plan[len(plan)]


@given(st.slices(8))
def test_a_slice_of_a_plan_is_a_plan(part):
    assert as_lists(a_plan()[part]) == as_lists(a_plan())[part]


@given(strategies.lengths(), st.integers(1, 5))
def test_workers_share_each_batch(lengths, workers):
    plan = a_plan(lengths)
    for batch in plan:
        assert sorted(row for worker in range(workers) for row in batch[worker::workers]) == sorted(batch)


def test_a_plan_of_nothing_has_no_batches():
    nothing = np.empty(0, np.int32)
    assert len(a_plan(nothing)) == len(plan_evaluation(nothing, batch_tokens=9, max_batch=9)) == 0
    assert padding_share(nothing, a_plan(nothing)) == 0


def test_evaluation_goes_from_long_to_short_and_keeps_equals_in_order():
    plan = plan_evaluation(LENGTHS, batch_tokens=30, max_batch=4)
    assert as_lists(plan) == [[7], [2, 9, 5], [10, 0, 11, 3], [4, 8, 6, 1]]


def test_pools_of_about_fifty_batches():
    """Within a pool the rows are sorted, so the lengths of one pool's batches do not overlap."""
    lengths = np.random.RandomState(0).randint(1, 10_000, 64 * 500).astype(np.int32)
    plan = plan_epoch(lengths, seed=1, epoch=0, batch_tokens=10**9, max_batch=64)
    spans = [int(lengths[batch].max() - lengths[batch].min()) for batch in plan]
    assert 10_000 / 70 < np.mean(spans) < 10_000 / 35


def test_padding_share_by_hand():
    lengths = np.array([1, 2, 4, 3], np.int32)
    assert padding_share(lengths, [np.array([0, 1]), np.array([2, 3])]) == pytest.approx(2 / 12)
    assert padding_share(lengths, [np.array([0, 1, 2, 3])]) == pytest.approx(6 / 16)
    assert padding_share(lengths, [np.array([row]) for row in range(4)]) == 0


def a_corpus(rows: list[list[int]]) -> Corpus:
    size = len(rows)
    return Corpus(
        token_ids=np.array([token for row in rows for token in row], np.int32),
        offsets=np.cumsum([0, *map(len, rows)]),
        labels=np.arange(size, dtype=np.int32) % 3,
        weights=np.arange(size, dtype=np.float32) + 0.5,
        truncated=np.zeros(size, bool),
        files=np.zeros(size, np.int32),
        lines=np.arange(size) + 1,
        file_names=["a.tsv"],
    )


def padded(rows: list[list[int]]) -> list[list[int]]:
    time = max(map(len, rows))
    return [row + [PAD] * (time - len(row)) for row in rows]


rows_and_choice = st.lists(
    st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=20
).flatmap(
    lambda rows: st.tuples(st.just(rows), st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=9))
)


@given(rows_and_choice)
def test_a_batch_is_its_rows_padded(drawn):
    rows, chosen = drawn
    corpus = a_corpus(rows)
    batch = collate(corpus, chosen)
    assert batch.token_ids.tolist() == padded([rows[row] for row in chosen])
    assert batch.lengths.tolist() == [len(rows[row]) for row in chosen]
    assert batch.labels.tolist() == corpus.labels[chosen].tolist()
    assert batch.weights.tolist() == corpus.weights[chosen].tolist()
    assert batch.rows.tolist() == chosen


def test_the_types_of_a_batch():
    batch = collate(a_corpus([[2, 3], [4]]), [1, 0])
    types = {name: getattr(batch, name).dtype for name in Batch.__dataclass_fields__}
    assert types == {
        "token_ids": np.int32,
        "lengths": np.int32,
        "labels": np.int32,
        "weights": np.float32,
        "rows": np.int64,
    }


def test_a_batch_leaves_the_corpus_alone():
    corpus = a_corpus([[2, 3], [4], [5]])
    before = corpus.token_ids.copy()
    collate(corpus, [1, 0, 2]).token_ids[:] = 7
    assert np.array_equal(corpus.token_ids, before)


def test_texts_are_padded_on_the_right():
    token_ids, lengths = pad([[5], [7, 6, 5]])
    assert token_ids.tolist() == [[5, PAD, PAD], [7, 6, 5]]
    assert lengths.tolist() == [1, 3]
    assert token_ids.dtype == lengths.dtype == np.int32
