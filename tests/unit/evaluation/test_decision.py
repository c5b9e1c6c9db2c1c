"""Decisions: by hand, and thresholds next to trying all of them with scikit-learn."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from seqtrain.config.schema import Decision
from seqtrain.evaluation import decision
from seqtrain.evaluation.decision import SCORES, decided, tuned_threshold
from seqtrain.inference.metadata import DECISION_METRICS
from tests.unit.evaluation.rows import rows

EXACT = 1e-9  # the same sums in another order


def test_without_a_threshold_it_is_the_most_probable_label_the_first_of_equals():
    probabilities = np.array([[0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.9, 0.05, 0.05]], np.float32)
    assert decided(probabilities, None).tolist() == [2, 0, 0]


def test_with_a_threshold_it_is_the_second_from_there_on():
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]], np.float32)
    assert decided(probabilities, 0.5).tolist() == [0, 1, 1]
    assert decided(probabilities, 0.2).tolist() == [1, 1, 1]
    assert decided(probabilities, 0.8).tolist() == [0, 0, 0]


def test_probabilities_are_compared_as_doubles():
    """The nearest float32 to 0.7 is a little less."""
    probabilities = np.array([[0.3, 0.7]], np.float32)
    assert decided(probabilities, 0.7).tolist() == [0]
    assert decided(probabilities, float(np.float32(0.7))).tolist() == [1]


def test_no_rows_no_labels():
    for threshold in (None, 0.5):
        assert decided(np.empty((0, 2), np.float32), threshold).tolist() == []


def score(metric, labels, predicted, weights, label_index):
    if metric == "accuracy":
        return accuracy_score(labels, predicted, sample_weight=weights)
    average = {"f1": None, "macro_f1": "macro", "weighted_f1": "weighted"}[metric]
    found = f1_score(
        labels, predicted, labels=[0, 1], sample_weight=weights, average=average, zero_division=np.nan
    )
    return np.nan_to_num(found[label_index] if metric == "f1" else found)


def tried(metric, labels, probabilities, weights, label_index):
    """Every threshold that tells rows apart, with its score."""
    values = [0.0, *sorted({float(value) for value in probabilities[:, 1]}), 1.0]
    thresholds = [(one + other) / 2 for one, other in pairwise(values)]
    return {
        threshold: score(metric, labels, probabilities[:, 1] >= threshold, weights, label_index)
        for threshold in thresholds
        if 0 < threshold < 1
    }


@st.composite
def two_label_rows(draw):
    """Some probabilities are equal, some 0 or 1."""
    number = draw(st.integers(1, 12))
    second = np.array(draw(st.lists(st.integers(0, 8), min_size=number, max_size=number))) / 8
    labels = draw(st.lists(st.integers(0, 1), min_size=number, max_size=number))
    weights = draw(st.lists(st.sampled_from([1, 2, 0.5]), min_size=number, max_size=number))
    return rows(labels, np.stack([1 - second, second], axis=1), weights)


def check_tuned(data, metric, label_index):
    labels, probabilities, weights = data
    threshold = tuned_threshold(labels, probabilities, weights, metric, label_index)
    scores = tried(metric, labels, probabilities, weights, label_index)
    assert threshold in scores
    best = max(scores.values())
    assert scores[threshold] == pytest.approx(best, abs=EXACT)
    as_good = [other for other, value in scores.items() if value >= best - EXACT]
    assert abs(threshold - 0.5) == min(abs(other - 0.5) for other in as_good)


@settings(max_examples=30)  # scikit-learn takes a millisecond for each threshold
@pytest.mark.parametrize("metric", SCORES)
@given(data=two_label_rows(), label_index=st.integers(0, 1))
def test_no_threshold_is_better_and_none_as_good_is_nearer_to_the_middle(metric, data, label_index):
    check_tuned(data, metric, label_index)


HARD = rows(
    [0, 1, 0, 1, 1, 0, 0, 0],
    [[1 - p, p] for p in (0.125, 0.25, 0.25, 0.375, 0.5, 0.625, 0.75, 0.0)],
    [1, 2, 1, 1, 3, 1, 0.5, 1],
)


@pytest.mark.parametrize(
    "fault",
    [
        lambda threshold, labels, probabilities, *_: np.nextafter(threshold + 0.125, 1),
        lambda threshold, labels, probabilities, *_: threshold - 0.125,
        lambda *_: 0.5,
        lambda threshold, labels, probabilities, weights, *more: decision.tuned_threshold(
            labels, probabilities, np.ones(len(labels)), *more
        ),
        lambda threshold, labels, probabilities, weights, metric, label: decision.tuned_threshold(
            labels, probabilities, weights, metric, 1 - label
        ),
    ],
    ids=["one candidate more", "one candidate less", "untuned", "unweighted", "of the other label"],
)
def test_planted_faults_are_seen(fault, monkeypatch):
    def check_both():
        for label in (0, 1):
            check_tuned(HARD, "f1", label)

    def faulty(*data):
        return fault(decision.tuned_threshold(*data), *data)

    check_both()
    monkeypatch.setitem(globals(), "tuned_threshold", faulty)
    with pytest.raises(AssertionError):
        check_both()


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_equal_probabilities_still_have_a_threshold(value):
    for metric in SCORES:
        threshold = tuned_threshold(*rows([0, 1], [[1 - value, value]] * 2), metric, 1)
        assert 0 < threshold < 1


def test_the_threshold_lies_halfway():
    probabilities = [[0.9, 0.1], [0.75, 0.25], [0.625, 0.375], [0.5, 0.5]]
    assert tuned_threshold(*rows([0, 0, 1, 1], probabilities), "f1", 1) == (0.25 + 0.375) / 2


def test_many_rows_are_no_matter():
    random = np.random.RandomState(0)
    second = random.uniform(size=200_000)
    labels = (second > 0.3).astype(np.int32)
    data = rows(labels, np.stack([1 - second, second], axis=1))
    assert tuned_threshold(*data, "macro_f1") == pytest.approx(0.3, abs=1e-4)


def test_the_metrics_are_those_of_the_config_and_of_model_files():
    assert tuple(SCORES) == DECISION_METRICS == get_args(Decision.model_fields["metric"].annotation)
