"""The laws of a plan: it conserves examples, keeps to its budget, and is a function of its arguments alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqtrain.data.batching import padding_share, plan_epoch, plan_evaluation
from tests import strategies

BUDGETS = {"batch_tokens": st.integers(1, 1000), "max_batch": st.integers(1, 70)}


def training_plan(lengths, batch_tokens, max_batch, seed=1, epoch=0):
    return plan_epoch(lengths, seed=seed, epoch=epoch, batch_tokens=batch_tokens, max_batch=max_batch)


def evaluation_plan(lengths, batch_tokens, max_batch):
    return plan_evaluation(lengths, batch_tokens=batch_tokens, max_batch=max_batch)


PLANNERS = pytest.mark.parametrize("planner", [training_plan, evaluation_plan])


def check_conserved(planner, lengths, batch_tokens, max_batch):
    """Every example exactly once."""
    batches = list(planner(lengths, batch_tokens, max_batch))
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))


def check_budget(planner, lengths, batch_tokens, max_batch):
    """No batch is empty or too large; only a single row may have more tokens than the budget."""
    for batch in planner(lengths, batch_tokens, max_batch):
        assert 1 <= len(batch) <= max_batch
        assert len(batch) * lengths[batch].max() <= batch_tokens or len(batch) == 1


@PLANNERS
@given(strategies.lengths(), BUDGETS["batch_tokens"], BUDGETS["max_batch"])
@example(np.ones(65, np.int32), 64, 64)  # one more than a batch
@example(np.ones(3201, np.int32), 64, 64)  # one more than a pool
@example(np.array([9], np.int32), 8, 64)  # longer than the budget
def test_a_plan_conserves_examples(planner, lengths, batch_tokens, max_batch):
    check_conserved(planner, lengths, batch_tokens, max_batch)


@PLANNERS
@given(strategies.lengths(), BUDGETS["batch_tokens"], BUDGETS["max_batch"])
def test_a_batch_keeps_to_tokens_and_rows(planner, lengths, batch_tokens, max_batch):
    check_budget(planner, lengths, batch_tokens, max_batch)


def without_last(planner):
    return lambda *arguments: planner(*arguments)[:-1]


def without_partial(planner):
    return lambda lengths, *budget: [batch for batch in planner(lengths, *budget) if len(batch) == budget[1]]


def budget_of_real_tokens(lengths, batch_tokens, max_batch):
    """Counts the tokens of a batch without its padding."""
    ends = np.flatnonzero(np.diff(np.cumsum(lengths) // batch_tokens, append=-1)) + 1
    return np.split(np.arange(len(lengths)), ends[:-1])


@PLANNERS
@pytest.mark.parametrize("fault", [without_last, without_partial])
def test_planted_fault_last_batch_dropped(planner, fault):
    lengths = np.arange(1, 100, dtype=np.int32)
    check_conserved(planner, lengths, 1000, 64)
    with pytest.raises(AssertionError):
        check_conserved(fault(planner), lengths, 1000, 64)


def test_planted_fault_padding_left_out_of_the_budget():
    lengths = np.array([1, 1, 1, 30, 1, 1] * 20, np.int32)
    check_conserved(budget_of_real_tokens, lengths, 40, 64)
    with pytest.raises(AssertionError):
        check_budget(budget_of_real_tokens, lengths, 40, 64)


@given(strategies.lengths(), strategies.seeds, strategies.seeds)
def test_a_plan_is_a_pure_function(lengths, seed, epoch):
    before = lengths.copy()
    first = training_plan(lengths, 500, 16, seed, epoch)
    np.random.seed(int(seed % 2**32))
    again = training_plan(lengths, 500, 16, seed, epoch)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    assert np.array_equal(lengths, before)


def test_golden_plan():
    """Who resumes counts on it: after a change of these figures, earlier runs cannot be resumed."""
    lengths = np.array([5, 1, 9, 3, 3, 7, 2, 40, 3, 8, 6, 4], np.int32)
    plan = plan_epoch(lengths, seed=1, epoch=2, batch_tokens=30, max_batch=4)
    assert [batch.tolist() for batch in plan] == [[2, 9, 5], [7], [10, 0, 11, 8], [4, 3, 6, 1]]


def test_golden_plan_of_many_pools():
    lengths = np.arange(20_000, dtype=np.int32) * 7919 % 397 + 1
    plan = plan_epoch(lengths, seed=1, epoch=2, batch_tokens=8192, max_batch=64)
    lines = "\n".join(" ".join(map(str, batch.tolist())) for batch in plan)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    assert digest == "1657aa14da554b3d26876b6d2962c912959b7f20ad8b5dae469831b34af501d5"


@pytest.mark.parametrize("other", [{"epoch": 1}, {"seed": 2}, {"seed": 2**63}, {"epoch": 2**32}])
def test_another_epoch_or_seed_is_another_order(other):
    lengths = np.random.RandomState(0).randint(1, 100, 5000).astype(np.int32)
    one = training_plan(lengths, 2000, 64, seed=1, epoch=0)
    two = training_plan(lengths, 2000, 64, **{"seed": 1, "epoch": 0, **other})
    mates_of_one, mates_of_two = ({frozenset(batch.tolist()) for batch in plan} for plan in (one, two))
    assert not mates_of_one & mates_of_two
    same_place = np.concatenate(list(one)) == np.concatenate(list(two))
    assert same_place.mean() < 0.01


def test_long_and_short_batches_come_in_random_order():
    lengths = np.random.RandomState(0).randint(1, 100, 20_000).astype(np.int32)
    longest = [lengths[batch].max() for batch in training_plan(lengths, 2000, 64)]
    assert abs(np.corrcoef(longest[1:], longest[:-1])[0, 1]) < 0.2


def test_a_row_stands_anywhere_in_an_epoch():
    lengths = np.random.RandomState(0).randint(1, 100, 300).astype(np.int32)
    places = np.zeros(len(lengths))
    for epoch in range(200):
        places[np.concatenate(list(training_plan(lengths, 500, 16, epoch=epoch)))] += np.arange(300) / 299
    assert np.abs(places / 200 - 0.5).max() < 0.12  # 5.9 standard deviations of a mean of 200 uniform places


@settings(max_examples=20)
@given(st.integers(5, 400), strategies.seeds)
def test_padding_is_small_for_long_and_short_texts(scale, seed):
    random = np.random.RandomState(seed % 2**32)
    lengths = np.clip(random.lognormal(np.log(scale), 0.6, 10_000), 1, 2 * scale).astype(np.int32)
    assert padding_share(lengths, training_plan(lengths, 8192, 64)) < 0.05
    assert padding_share(lengths, evaluation_plan(lengths, 8192, 64)) < 0.03
