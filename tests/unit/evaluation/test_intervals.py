"""Bootstrap intervals: next to a plain bootstrap of `evaluate`, and by what they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqtrain.evaluation import intervals as module
from seqtrain.evaluation.intervals import intervals
from seqtrain.evaluation.metrics import METRICS, evaluate
from tests.unit.evaluation.rows import learnable_rows, random_rows, rows

RESAMPLING = 0.25  # of the width: what another thousand resamples may move an end
NAMES = ["accuracy", "macro_f1", "weighted_f1", "log_loss", "brier", "roc_auc"]


def softmax(logits):
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def data(seed, classes, number):
    labels, (logits,), weights = learnable_rows(seed, classes, number)
    return labels, softmax(logits), weights


def each_resample(drawn, labels, probabilities, weights, threshold):
    """`evaluate` on each of the resamples, which say how often a row is in them: name → values."""
    found = []
    for counts in drawn:
        chosen = np.repeat(np.arange(len(labels)), counts.astype(int))
        names = [str(label) for label in range(probabilities.shape[1])]
        found.append(evaluate(labels[chosen], probabilities[chosen], weights[chosen], names, threshold))
    return {name: np.array([result[name] for result in found], np.float64) for name in NAMES}


@pytest.mark.parametrize(("classes", "threshold"), [(2, None), (2, 0.3), (4, None)])
def test_they_are_the_percentiles_of_evaluate_on_the_very_resamples(classes, threshold):
    labels, probabilities, weights = data(classes, classes, 30)
    probabilities = probabilities[np.arange(30) // 2]  # some are equal
    order = np.argsort(labels * classes + module.decided(probabilities, threshold), kind="stable")
    drawn = np.concatenate(list(module._resamples(30, 40, seed=0)))
    expected = each_resample(drawn, labels[order], probabilities[order], weights[order], threshold)
    found = intervals(labels, probabilities, weights, threshold, resamples=40)
    assert list(found) == NAMES
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], np.nanquantile(values, [0.025, 0.975]), rtol=1e-6)


def test_a_resample_draws_as_many_rows_and_each_alike():
    counts = np.concatenate(list(module._resamples(50, 4000, seed=3)))
    assert counts.shape == (4000, 50)
    assert set(counts.sum(axis=1)) == {50}
    # A row's count is nearly Poisson, of mean 1 and variance 0.98; five standard errors
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=5 / np.sqrt(4000))
    np.testing.assert_allclose(counts.var(), 0.98, atol=0.02)
    assert len(np.unique(counts, axis=0)) == 4000


def test_it_does_not_matter_how_many_resamples_are_computed_at_once(monkeypatch):
    expected = intervals(*random_rows(1, 3, 40), resamples=100)
    monkeypatch.setattr(module, "CHUNK", 130)
    found = intervals(*random_rows(1, 3, 40), resamples=100)
    assert found == {name: pytest.approx(ends) for name, ends in expected.items()}


def test_they_hold_the_metric_and_are_as_wide_as_theory_says():
    """Of accuracy: 1.96 standard errors of a share to either side."""
    labels, probabilities, _ = data(5, 2, 2000)
    weights = np.ones(2000, np.float32)
    metrics = evaluate(labels, probabilities, weights, ["a", "b"])
    found = intervals(labels, probabilities, weights)
    assert set(found) == set(METRICS) - {"ece"}
    for name, (low, high) in found.items():
        assert low < metrics[name] < high
    low, high = found["accuracy"]
    error = 1.96 * np.sqrt(metrics["accuracy"] * (1 - metrics["accuracy"]) / 2000)
    assert low == pytest.approx(metrics["accuracy"] - error, abs=RESAMPLING * error)
    assert high == pytest.approx(metrics["accuracy"] + error, abs=RESAMPLING * error)


def test_they_cover_the_truth_about_as_often_as_they_say():
    """Accuracy 0.8 of a population, 300 samples of 150 rows: 95 % of 300 are 285 ± 4 standard errors of 3.8."""
    random = np.random.RandomState(0)
    hits = 0
    for _ in range(300):
        right = random.uniform(size=150) < 0.8
        probabilities = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
        (low, high) = intervals(*rows(np.zeros(150), probabilities), resamples=200)["accuracy"]
        hits += low <= 0.8 <= high
    assert 270 <= hits <= 299


def test_the_same_rows_have_the_same_intervals():
    one = random_rows(2, 3, 60)
    assert intervals(*one) == intervals(*one)
    assert intervals(*one, seed=1) != intervals(*one)


def test_a_single_row_says_nothing_of_others():
    assert intervals(*rows([1], [[0.25, 0.75]])) == dict.fromkeys(NAMES)


def test_rows_of_one_class_have_no_ranking():
    found = intervals(*rows([1, 1, 1], [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5]]))
    assert found["roc_auc"] is None
    assert found["accuracy"] == [0, 1]
    assert intervals(*rows([0, 1, 0], [[0.5, 0.25, 0.25]] * 3))["roc_auc"] is None


def test_a_class_that_is_rare_is_missing_from_some_resamples_which_do_not_count():
    labels = np.array([1] + [0] * 30)
    second = np.linspace(0.9, 0.1, 31)
    found = intervals(*rows(labels, np.stack([1 - second, second], axis=1)))
    assert found["roc_auc"] == [1, 1]


def test_json_can_hold_them():
    found = intervals(*random_rows(4, 3, 20))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("decided", lambda probabilities, threshold: probabilities.argmin(axis=1)),
        ("log_losses", module.squared_errors),
        ("_interval", lambda values: [float(np.nanmin(values)), float(np.nanmax(values))]),
        ("_resamples", lambda rows, number, seed: [np.ones((number, rows))]),
    ],
    ids=["of other labels", "of the wrong statistic", "of the whole range", "of nothing drawn"],
)
def test_planted_faults_are_seen(name, fault, monkeypatch):
    monkeypatch.setattr(module, name, fault)
    with pytest.raises(AssertionError):
        test_they_hold_the_metric_and_are_as_wide_as_theory_says()
