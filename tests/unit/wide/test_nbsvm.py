"""NB-SVM next to counts by hand and to scikit-learn on features that are scaled by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from seqtrain.wide import nbsvm
from seqtrain.wide.nbsvm import Linear, candidates, log_count_ratio

MATRIX = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0]], np.float32)
POSITIVE = np.array([True, True, False, False])


def drawn(rows: int = 120, classes: int = 2) -> tuple[csr_matrix, np.ndarray]:
    """Features that tell the label now and then."""
    dice = np.random.default_rng(3)
    labels = dice.integers(0, classes, rows)
    matrix = dice.random((rows, 15)) < 0.3
    matrix[np.arange(rows), labels] |= dice.random(rows) < 0.6
    matrix[:, -1] = False
    return csr_matrix(matrix.astype(np.float32)), labels


def oracle(matrix: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> list[float]:
    """Feature by feature, as the paper has it; what no row has is left out."""
    present = [feature for feature in range(matrix.shape[1]) if matrix[:, feature].any()]
    p, q = (
        {
            f: 1 + sum(w for row, w, k in zip(matrix, weights, kind, strict=True) if row[f] and k)
            for f in present
        }
        for kind in (positive, ~positive)
    )
    norm = [sum(counts.values()) for counts in (p, q)]
    return [
        math.log((p[f] / norm[0]) / (q[f] / norm[1])) if f in present else 0.0 for f in range(matrix.shape[1])
    ]


def test_ratios_by_hand() -> None:
    """p + 1 = 3, 2, 2 and q + 1 = 1, 3, 2: sums 7 and 6."""
    expected = np.log([3 / 7 * 6, 2 / 7 * 6 / 3, 2 / 7 * 6 / 2, 1])
    np.testing.assert_allclose(log_count_ratio(csr_matrix(MATRIX), POSITIVE, np.ones(4)), expected)


@given(
    cells=st.lists(st.booleans(), min_size=24, max_size=24),
    kinds=st.lists(st.booleans(), min_size=6, max_size=6),
    weights=st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=6, max_size=6),
)
def test_ratios_are_those_of_the_oracle(cells: list[bool], kinds: list[bool], weights: list[float]) -> None:
    matrix, positive = np.array(cells, np.float32).reshape(6, 4), np.array(kinds)
    if matrix.any():
        found = log_count_ratio(csr_matrix(matrix), positive, np.array(weights))
        np.testing.assert_allclose(found, oracle(matrix, positive, np.array(weights)), atol=1e-12)


def test_a_row_of_weight_two_counts_like_two_rows() -> None:
    matrix, labels = drawn()
    twice = np.concatenate([np.arange(120), np.arange(40)])
    weights = np.where(np.arange(120) < 40, 2.0, 1.0)
    (weighted,) = candidates(matrix, labels, weights, 2, 0.7, [0.25])
    (repeated,) = candidates(matrix[twice], labels[twice], np.ones(160), 2, 0.7, [0.25])
    np.testing.assert_allclose(weighted.table, repeated.table, atol=2e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_table_is_the_regression_drawn_towards_its_mean_weight_times_the_ratios(classes: int) -> None:
    matrix, labels = drawn(classes=classes)
    weights = np.ones(120)
    kinds = [labels == each for each in (range(classes) if classes > 2 else [1])]
    whole, half = candidates(matrix, labels, weights, classes, 0.7, [1.0, 0.5])
    assert whole.table.shape == (15, len(kinds))
    for column, kind in enumerate(kinds):
        ratio = np.array(oracle(matrix.toarray(), kind, weights))
        scaled = matrix.toarray() * ratio
        model = LogisticRegression(C=0.7, solver="liblinear", random_state=0).fit(scaled, kind)
        w = model.coef_[0]
        np.testing.assert_allclose(whole.table[:, column], w * ratio, atol=1e-3)
        expected = (0.5 * np.abs(w[:-1]).mean() + 0.5 * w) * ratio  # the last feature never occurs
        np.testing.assert_allclose(half.table[:, column], expected, atol=1e-3)
        np.testing.assert_allclose(half.bias[column], whole.bias[column] / 2, atol=1e-6)


def test_of_two_classes_one_column_speaks_for_both() -> None:
    table, bias = np.array([[1.0], [-3.0]], np.float32), np.array([0.5], np.float32)
    logits = Linear(table, bias, 1.0, 1.0).logits(csr_matrix(np.array([[1, 0], [1, 1]], np.float32)))
    np.testing.assert_array_equal(logits, [[-0.75, 0.75], [0.75, -0.75]])
    assert logits.dtype == np.float32


def test_planted_fault_features_that_never_occur_count_in_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hashing most buckets are empty."""
    monkeypatch.setattr(csr_matrix, "getnnz", lambda self, axis: np.ones(15))
    with pytest.raises(AssertionError):
        test_the_table_is_the_regression_drawn_towards_its_mean_weight_times_the_ratios(2)


def test_planted_fault_counts_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        nbsvm, "log_count_ratio", lambda *given: log_count_ratio(*given[:2], np.ones(len(given[1])))
    )
    with pytest.raises(AssertionError):
        test_a_row_of_weight_two_counts_like_two_rows()


def test_two_classes_have_the_odds_of_the_second() -> None:
    found = nbsvm.logits(csr_matrix(np.eye(2, dtype=np.float32)), np.array([[2.0], [-1.0]]), np.array([0.5]))
    np.testing.assert_allclose(found[:, 1] - found[:, 0], [2.5, -0.5])


def test_more_classes_have_the_probabilities_of_each_against_the_rest() -> None:
    """Brought to a sum of one; far out of the question is no more than out of the question."""
    table = np.array([[2.0, -3.0, -90.0], [0.0, 0.0, 200.0]])
    found = nbsvm.logits(csr_matrix(np.eye(2, dtype=np.float32)), table, np.zeros(3))
    each = 1 / (1 + np.exp(-table))
    np.testing.assert_allclose(np.exp(found), each, atol=1e-12)
    assert np.isfinite(found).all()
