"""Token ids → logits in TensorFlow's own operators, for a graph that runs where nothing of this project is.

The arithmetic is that of `seqtrain.model`, which calls compiled code: here, a loop of the graph goes over all positions
of the padded batch, and what it gives at padding is put away after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seqtrain.export.source import Source
from seqtrain.export.wide import wide_logits
from seqtrain.model.masking import length_mask
from seqtrain.model.pooling import POOLINGS


class Network(tf.Module):  # type: ignore[misc]
    """The weights, and the function of them."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._cell = CELLS[source.cell]
        self._layers = source.layers
        self._directions = source.directions
        self._pooling = source.pooling
        self._ngrams = source.ngrams
        self._weights = {name: tf.Variable(weight, name=name) for name, weight in source.weights.items()}

    def __call__(self, token_ids: Any, lengths: Any) -> Any:
        """token_ids <int32>[batch, time ≥ 1], lengths <int32>[batch], at least 1 → logits <float32>[batch, classes].

        Nothing depends on what stands at padding. There may be no texts at all.
        """
        inputs = tf.gather(self._weights["embedding"], tf.transpose(token_ids))
        for layer in range(self._layers):
            outputs = [self._direction(f"layer_{layer}.{name}", inputs, lengths) for name in self._directions]
            inputs = tf.concat(outputs, axis=2)
        pools = ((POOLINGS[name].pool, self._weights.get(f"{name}.kernel")) for name in self._pooling)
        features = tf.concat([pool(outputs, lengths, kernel) for pool, kernel in pools], axis=1)
        logits = features @ self._weights["output.kernel"] + self._weights["output.bias"]
        logits *= self._weights["output.scale"]
        if self._ngrams:
            logits += wide_logits(self._ngrams, self._weights, token_ids, lengths)
        return logits

    def _direction(self, name: str, inputs: Any, lengths: Any) -> Any:
        """inputs <float32>[time, batch, features] → outputs <float32>[time, batch, units], in text order."""
        weights = [self._weights[f"{name}.{part}"] for part in ("kernel", "recurrent_kernel", "bias")]
        backward = name.endswith("backward")
        outputs = recur(self._cell, _reversed(inputs, lengths) if backward else inputs, *weights)
        return _masked(_reversed(outputs, lengths) if backward else outputs, lengths)


def _masked(outputs: Any, lengths: Any) -> Any:
    """Zeros at padding; outputs [time, batch, units]."""
    # where, not multiply: 0 * inf is NaN
    return tf.where(length_mask(lengths, tf.shape(outputs)[0])[:, :, tf.newaxis], outputs, 0.0)


def _reversed(values: Any, lengths: Any) -> Any:
    """Each text the other way round, padding where it was; values [time, batch, features]."""
    return tf.reverse_sequence(values, lengths, seq_axis=0, batch_axis=1)


class Cell(NamedTuple):
    """step(projected, recurrent, before) → states: a value per gate each, and those that pass from step to step.

    The first state is the output.
    """

    gates: int
    states: int
    step: Callable[[Sequence[Any], Sequence[Any], Sequence[Any]], tuple[Any, ...]]


def recur(cell: Cell, inputs: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
    """inputs <float32>[time, batch, features] → outputs <float32>[time, batch, units] of all positions.

    The state before the first is zero. Weights have Keras's layout: kernel [features, G·H], recurrent_kernel [H, G·H],
    bias [G·H]; the GRU's is [2, G·H], input and recurrent.
    """
    input_bias, recurrent_bias = tf.unstack(bias) if bias.shape.rank == 2 else (bias, 0.0)

    def step(before: Sequence[Any], projected: Any) -> tuple[Any, ...]:
        recurrent = tf.split(before[0] @ recurrent_kernel + recurrent_bias, cell.gates, axis=1)
        return cell.step(tf.split(projected, cell.gates, axis=1), recurrent, before)

    zeros = tf.zeros([tf.shape(inputs)[1], recurrent_kernel.shape[0]])
    outputs, *_ = tf.scan(step, tf.tensordot(inputs, kernel, axes=1) + input_bias, (zeros,) * cell.states)
    return outputs


def _lstm(projected: Sequence[Any], recurrent: Sequence[Any], before: Sequence[Any]) -> tuple[Any, ...]:
    i, f, g, o = (x + r for x, r in zip(projected, recurrent, strict=True))
    carry = tf.sigmoid(f) * before[1] + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(carry), carry


def _gru(projected: Sequence[Any], recurrent: Sequence[Any], before: Sequence[Any]) -> tuple[Any, ...]:
    z, r = (tf.sigmoid(projected[gate] + recurrent[gate]) for gate in (0, 1))
    candidate = tf.tanh(projected[2] + r * recurrent[2])
    return (z * before[0] + (1.0 - z) * candidate,)


def _rnn(projected: Sequence[Any], recurrent: Sequence[Any], before: Sequence[Any]) -> tuple[Any, ...]:
    return (tf.tanh(projected[0] + recurrent[0]),)


CELLS = {"lstm": Cell(4, 2, _lstm), "gru": Cell(3, 1, _gru), "rnn": Cell(1, 1, _rnn)}
"""By the name in a config; gates are in the order of `seqtrain.model.cells`."""
