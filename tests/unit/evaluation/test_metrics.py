"""Metrics: by hand, against scikit-learn's own averages, and where they are not defined."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.evaluation.metrics import CLASS_METRICS, METRICS, evaluate
from tests.unit.evaluation.rows import random_rows, rows

pytestmark = pytest.mark.filterwarnings("error")

EXACT = 1e-9  # the same sums in another order
few = settings(max_examples=20, deadline=None)  # scikit-learn takes some 10 ms for each


# Three rows of class a, one of b, none of c; the second a is taken for b, the b for c.
LABELS = [0, 0, 1, 0]
PROBABILITIES = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5], [0.75, 0.25, 0.0]]


def test_every_number_by_hand():
    result = evaluate(*rows(LABELS, PROBABILITIES), ["a", "b", "c"])
    assert result == {
        "rows": 4,
        "accuracy": 0.5,
        "macro_f1": pytest.approx(0.8 / 3),  # c does not occur and was predicted: its F1 is 0, and counts
        "weighted_f1": pytest.approx(0.8 * 3 / 4),
        "log_loss": pytest.approx((math.log(2) + math.log(4) + math.log(4) + math.log(4 / 3)) / 4),
        "brier": pytest.approx((0.375 + 0.875 + 0.875 + 0.125) / 4),
        # of the first three, two thirds of which are wrong, 0.5 is claimed, and 0.75 of the last, which is right
        "ece": pytest.approx((abs(1 - 1.5) + 0.25) / 4),
        "roc_auc": None,
        "per_class": {
            "a": {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8), "support": 3},
            "b": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
            "c": {"precision": 0.0, "recall": None, "f1": 0.0, "support": 0},
        },
        "confusion_matrix": [[2, 1, 0], [0, 0, 1], [0, 0, 0]],
    }
    assert isinstance(result["per_class"]["a"]["support"], int)


def test_weights_count_as_much_as_they_weigh():
    result = evaluate(*rows(LABELS, PROBABILITIES, [1, 1, 2, 0.5]), ["a", "b", "c"])
    assert result["rows"] == 4
    assert result["accuracy"] == pytest.approx(1.5 / 4.5)
    assert result["confusion_matrix"] == [[1.5, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    assert result["per_class"]["a"]["support"] == 2.5


def test_a_class_that_neither_occurs_nor_is_predicted_has_no_f1_and_does_not_lower_the_mean():
    result = evaluate(*rows([0, 1], [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), ["a", "b", "c"])
    assert result["per_class"]["c"] == {"precision": None, "recall": None, "f1": None, "support": 0}
    assert result["macro_f1"] == result["weighted_f1"] == 1.0


def test_a_single_row_is_enough():
    result = evaluate(*rows([1], [[0.25, 0.75]]), ["a", "b"])
    assert (result["accuracy"], result["macro_f1"], result["roc_auc"]) == (1.0, 1.0, None)


def test_the_first_of_equal_probabilities_is_predicted():
    assert evaluate(*rows([0, 1], [[0.5, 0.5], [0.5, 0.5]]), ["a", "b"])["confusion_matrix"] == [
        [1, 0],
        [1, 0],
    ]


def test_a_threshold_says_what_is_predicted_and_nothing_of_the_probabilities():
    data = rows([0, 1, 1], [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    usual, other = evaluate(*data, ["a", "b"]), evaluate(*data, ["a", "b"], threshold=0.25)
    assert (usual["confusion_matrix"], other["confusion_matrix"]) == ([[1, 0], [1, 1]], [[1, 0], [0, 2]])
    assert (other["accuracy"], other["macro_f1"], other["per_class"]["b"]["recall"]) == (1, 1, 1)
    for metric in ("log_loss", "brier", "ece", "roc_auc"):
        assert other[metric] == usual[metric]
    assert evaluate(*data, ["a", "b"], threshold=0.05)["confusion_matrix"] == [[0, 1], [0, 2]]


def test_a_sure_mistake_has_a_finite_loss():
    loss = evaluate(*rows([1], [[1.0, 0.0]]), ["a", "b"])["log_loss"]
    assert math.isfinite(loss)
    assert loss > 15


def test_roc_auc_of_two_classes_ranks_by_the_second():
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8]]
    # of the four pairs of one row of each class, (0.6, 0.4) alone is in the wrong order
    assert evaluate(*rows([0, 0, 1, 1], probabilities), ["a", "b"])["roc_auc"] == 0.75


def test_roc_auc_of_more_classes_is_the_mean_of_one_against_the_rest():
    labels, probabilities, weights = random_rows(seed=4, classes=3, number=200)
    each = [
        evaluate(
            (labels == index).astype(np.int32),
            np.stack([1 - probabilities[:, index], probabilities[:, index]], axis=1),
            weights,
            ["rest", "this"],
        )["roc_auc"]
        for index in range(3)
    ]
    result = evaluate(labels, probabilities, weights, ["a", "b", "c"])["roc_auc"]
    assert result == pytest.approx(np.mean(each), abs=1e-6)  # rounding may part or join equal ranks


def numbers(result):
    """The values of METRICS, NaN for None."""
    return np.array([result[metric] for metric in METRICS], np.float64)


@few
@given(seed=st.integers(0, 1000), classes=st.integers(2, 5), number=st.integers(1, 30))
def test_a_weight_of_three_is_a_row_thrice_and_json_can_hold_it_all(seed, classes, number):
    labels, probabilities, weights = random_rows(seed, classes, number)
    names = [f"label {index}" for index in range(classes)]
    again = np.repeat(np.arange(number), weights.astype(int))
    weighted = evaluate(labels, probabilities, weights, names)
    repeated = evaluate(labels[again], probabilities[again], np.ones(len(again), np.float32), names)
    np.testing.assert_allclose(numbers(weighted), numbers(repeated), rtol=EXACT)
    np.testing.assert_array_equal(weighted["confusion_matrix"], repeated["confusion_matrix"])
    assert json.loads(json.dumps(weighted, allow_nan=False)) == weighted


@few
@given(seed=st.integers(0, 1000), classes=st.integers(2, 5), number=st.integers(1, 30))
def test_averages_are_those_of_scikit_learn(seed, classes, number):
    from sklearn.metrics import f1_score

    labels, probabilities, weights = random_rows(seed, classes, number)
    result = evaluate(labels, probabilities, weights, [str(index) for index in range(classes)])
    for average in ("macro", "weighted"):
        expected = f1_score(labels, probabilities.argmax(axis=1), average=average, sample_weight=weights)
        assert result[f"{average}_f1"] == pytest.approx(expected, abs=EXACT)


@few
@given(seed=st.integers(0, 1000), data=st.data())
def test_the_order_of_the_rows_does_not_matter(seed, data):
    labels, probabilities, weights = random_rows(seed, classes=3, number=12)
    order = np.array(data.draw(st.permutations(range(12))))
    result = evaluate(labels, probabilities, weights, ["a", "b", "c"])
    shuffled = evaluate(labels[order], probabilities[order], weights[order], ["a", "b", "c"])
    np.testing.assert_allclose(numbers(shuffled), numbers(result), rtol=EXACT)


def test_the_table_names_what_evaluate_returns():
    result = evaluate(*rows([0, 1], [[0.9, 0.1], [0.2, 0.8]]), ["a", "b"])
    assert list(result) == ["rows", *METRICS, "per_class", "confusion_matrix"]
    assert tuple(result["per_class"]["a"]) == CLASS_METRICS
    perfect = {metric: result[metric] for metric in METRICS if METRICS[metric] > 0}
    assert set(perfect.values()) == {1.0}
    for metric in METRICS.keys() - perfect:
        worse = evaluate(*rows([0, 1], [[0.6, 0.4], [0.2, 0.8]]), ["a", "b"])
        assert worse[metric] > result[metric] > 0


def test_reading_the_table_imports_neither_numpy_nor_scikit_learn():
    code = (
        "import seqtrain.evaluation.assessment, seqtrain.evaluation.gate, seqtrain.evaluation.report, sys;"
        "print([name for name in ('numpy', 'scipy', 'sklearn') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
