"""Both forms of Adam against the paper's algorithm in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from seqtrain.training.optimizer import BETA_1, BETA_2, EPSILON, Adam

RATE = 0.01
TOLERANCE = 1e-6  # float32 against float64 over a few steps


def adam(weight, gradients):
    """Kingma & Ba 2015, algorithm 1 in the efficient form of section 2, float64."""
    weight = weight.astype(np.float64)
    mean = variance = np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        mean = BETA_1 * mean + (1 - BETA_1) * gradient
        variance = BETA_2 * variance + (1 - BETA_2) * gradient**2
        rate = RATE * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        weight = weight - rate * mean / (np.sqrt(variance) + EPSILON)
    return weight


@pytest.fixture
def weight():
    return np.random.RandomState(0).normal(size=(6, 3)).astype(np.float32)


@pytest.fixture
def gradients():
    return np.random.RandomState(1).normal(size=(5, 6, 3)).astype(np.float32)


def optimizer_for(weight):
    variable = tf.Variable(weight)
    return variable, Adam({"w": variable})


def test_dense_form_is_the_papers(weight, gradients):
    variable, optimizer = optimizer_for(weight)
    for step, gradient in enumerate(gradients, start=1):
        optimizer.update("w", gradient, RATE, step)
    np.testing.assert_allclose(variable.numpy(), adam(weight, gradients), atol=TOLERANCE)


def test_sparse_form_equals_the_dense_one_when_every_row_is_touched(weight, gradients):
    variable, optimizer = optimizer_for(weight)
    order = np.array([3, 1, 5, 0, 2, 4], np.int32)
    for step, gradient in enumerate(gradients, start=1):
        optimizer.update_rows("w", order, gradient[order], RATE, step)
    np.testing.assert_allclose(variable.numpy(), adam(weight, gradients), atol=TOLERANCE)


def test_sparse_form_leaves_other_rows_and_their_moments_alone(weight, gradients):
    variable, optimizer = optimizer_for(weight)
    touched, untouched = np.array([4, 1], np.int32), [0, 2, 3, 5]
    optimizer.update_rows("w", touched, gradients[0][touched], RATE, 1)
    np.testing.assert_array_equal(variable.numpy()[untouched], weight[untouched])
    assert (variable.numpy()[touched] != weight[touched]).all()
    for slot in optimizer.slots.values():
        np.testing.assert_array_equal(slot.numpy()[untouched], 0.0)


def test_a_row_without_gradient_stays_when_it_never_had_one(weight):
    variable, optimizer = optimizer_for(weight)
    optimizer.update_rows("w", np.array([0], np.int32), np.zeros((1, 3), np.float32), RATE, 1)
    np.testing.assert_array_equal(variable.numpy(), weight)
