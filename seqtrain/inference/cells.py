"""How the recurrent cells of Keras are written in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Cell(NamedTuple):
    """How a cell of Keras's is written in ONNX."""

    operator: str
    attributes: dict[str, int]
    order: tuple[int, ...]  # gate i of ONNX is gate order[i] of Keras
    spare: int = 0  # positions of padding to add


CELLS = {
    "lstm": Cell("LSTM", {}, order=(0, 3, 1, 2)),  # i f g o → i o f g
    "gru": Cell("GRU", {"linear_before_reset": 1}, order=(0, 1, 2)),  # z r h in both
    # onnxruntime's RNN multiplies all positions at once, padding included, and a product of a single row rounds
    # in another way: without a spare position, padding a text of one token would change its last bit.
    "rnn": Cell("RNN", {}, order=(0,), spare=1),
}


def onnx_arrays(
    cell: Cell, kernel: Array, recurrent_kernel: Array, bias: Array
) -> tuple[Array, Array, Array]:
    """Keras's arrays of one direction → ONNX's W [gates, in], R [gates, units] and B [2 * gates].

    ONNX always has an input and a recurrent bias; where Keras has one bias, the recurrent one is zero.
    """
    biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    kernel, recurrent_kernel, biases = (
        reorder(array, cell.order) for array in (kernel, recurrent_kernel, biases)
    )
    return kernel.T, recurrent_kernel.T, biases.reshape(-1)


def reorder(array: Array, order: Sequence[int]) -> Array:
    """The gates along the last axis in another order: gate i of the result is gate order[i] of the array."""
    gates = np.split(array, len(order), axis=-1)
    return np.concatenate([gates[gate] for gate in order], axis=-1)
