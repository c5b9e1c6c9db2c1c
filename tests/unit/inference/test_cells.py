"""Keras's arrays of a cell in ONNX's order."""

from __future__ import annotations

import numpy as np
import pytest

from seqtrain.inference.cells import CELLS, onnx_arrays, reorder
from tests import oracles


def test_reorder_puts_gate_by_gate():
    gates = np.array([[10, 11, 20, 21, 30, 31, 40, 41]])  # two units of i f g o
    assert reorder(gates, CELLS["lstm"].order).tolist() == [[10, 11, 40, 41, 20, 21, 30, 31]]  # i o f g
    assert reorder(gates, (0,)).tolist() == gates.tolist()


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_single_bias_becomes_the_input_bias(cell):
    weights = oracles.random_weights(1, vocabulary=4, embedding=3, units=2, classes=2, cell=cell)
    kernel, recurrent_kernel, bias = oracles.direction_weights(weights, 0, "forward")
    gates = oracles.GATES[cell] * 2
    onnx_kernel, onnx_recurrent_kernel, onnx_bias = onnx_arrays(CELLS[cell], kernel, recurrent_kernel, bias)
    assert (onnx_kernel.shape, onnx_recurrent_kernel.shape, onnx_bias.shape) == (
        (gates, 3),
        (gates, 2),
        (2 * gates,),
    )
    np.testing.assert_array_equal(onnx_bias[:gates], reorder(bias, CELLS[cell].order))
    np.testing.assert_array_equal(onnx_bias[gates:], 0)


def test_the_two_biases_of_a_gru_keep_their_order():
    bias = np.arange(12.0).reshape(2, 6)
    _, _, onnx_bias = onnx_arrays(CELLS["gru"], np.zeros((3, 6)), np.zeros((2, 6)), bias)
    np.testing.assert_array_equal(onnx_bias, np.arange(12.0))
