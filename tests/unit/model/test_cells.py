"""The cells' arithmetic on NumPy arrays: the functions against NumPy's, the gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest

from seqtrain.model.cells import CELLS, sigmoid, tanh

STEP = 1e-5  # of central differences in float64: their own error is about its square
GRADIENT_TOLERANCE = 2e-6  # `back` differentiates tanh itself, `step` computes it within 3e-7
FUNCTION_TOLERANCE = 3e-7  # what the docstring of tanh promises


def test_tanh_and_sigmoid_are_close_everywhere():
    x = np.concatenate([np.linspace(-20, 20, 100_001), [-1e30, 1e30, -np.inf, np.inf]])
    for values in (x, x.astype(np.float32)):
        np.testing.assert_allclose(tanh(values), np.tanh(values), atol=FUNCTION_TOLERANCE, rtol=0)
        np.testing.assert_allclose(
            sigmoid(values), 0.5 + 0.5 * np.tanh(values / 2), atol=FUNCTION_TOLERANCE, rtol=0
        )
    assert np.isnan(tanh(np.array([np.nan]))).all()


@pytest.mark.parametrize("name", CELLS)
def test_the_gradient_of_a_step_is_its_derivative(name):
    cell, random = CELLS[name], np.random.RandomState(0)
    values = [random.normal(size=7) for _ in range(2 * cell.gates + cell.states)]
    incoming = [random.normal(size=7) for _ in range(cell.states)]

    def run(values):
        return cell.step(values[: cell.gates], values[cell.gates : -cell.states], values[-cell.states :])

    def total(values):
        states, _ = run(values)
        return sum(grad * state for grad, state in zip(incoming, states, strict=True))

    states, kept = run(values)
    assert (len(states), len(kept)) == (cell.states, cell.kept)
    projected, recurrent, before = cell.back(incoming, states, values[-cell.states :], kept)
    for number, gradient in enumerate([*projected, *recurrent, *before]):
        higher, lower = ([v + sign * STEP * (i == number) for i, v in enumerate(values)] for sign in (1, -1))
        expected = (total(higher) - total(lower)) / (2 * STEP)
        found = np.zeros(7) if gradient is None else gradient
        np.testing.assert_allclose(found, expected, atol=GRADIENT_TOLERANCE, rtol=0, err_msg=str(number))
