"""The cost of a row's probabilities, next to scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from seqtrain.evaluation.losses import log_losses, squared_errors
from tests.unit.evaluation.rows import random_rows

EXACT = 1e-9


def test_by_hand():
    labels = np.array([0, 1, 2])
    probabilities = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    assert log_losses(labels, probabilities) == pytest.approx([math.log(2), 52 * math.log(2), 0])
    assert squared_errors(labels, probabilities).tolist() == [0.375, 2.0, 0.0]


def test_two_sure_classes_cost_up_to_two():
    sure = np.array([[1, 0], [0.75, 0.25]], np.float32)
    assert squared_errors(np.array([1, 1]), sure).tolist() == [2.0, 1.125]


@given(st.integers(0, 1000), st.integers(2, 5))
def test_the_mean_is_scikit_learn_s(seed, classes):
    labels, probabilities, weights = random_rows(seed, classes, 20)
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    expected = log_loss(labels, normalized, labels=range(classes), sample_weight=weights)
    assert np.average(log_losses(labels, probabilities), weights=weights) == pytest.approx(
        expected, abs=EXACT
    )
