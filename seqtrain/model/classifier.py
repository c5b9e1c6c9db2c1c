"""The whole model: embedding, recurrent layers, pooling, logits.

A batch is reduced to its distinct tokens first (`distinct`). Their embedding rows are looked up once, dropped out
once and projected once, and the time loop picks them by index; the gradient of the embedding comes back with
one row per distinct token, as the optimizer's sparse update wants it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from seqtrain.model.cells import CELLS
from seqtrain.model.pooling import POOLINGS
from seqtrain.model.recurrence import Direction, Memory, scan

PAD = 0  # the token id of padding


@dataclass(frozen=True)
class Architecture:
    """What determines the names and shapes of the weights."""

    vocabulary_size: int
    classes: int
    embedding_size: int = 128
    cell: str = "lstm"
    units: int = 128
    layers: int = 1
    bidirectional: bool = True
    pooling: Sequence[str] = ("mean",)

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.bidirectional else ("forward",)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight, in a fixed order; Keras's layout."""
        cell, width = CELLS[self.cell], self.units * len(self.directions)
        shapes: dict[str, tuple[int, ...]] = {"embedding": (self.vocabulary_size, self.embedding_size)}
        for layer in range(self.layers):
            for direction in self.directions:
                features, gates = (width if layer else self.embedding_size), cell.gates * self.units
                prefix = f"layer_{layer}.{direction}"
                shapes[f"{prefix}.kernel"] = (features, gates)
                shapes[f"{prefix}.recurrent_kernel"] = (self.units, gates)
                shapes[f"{prefix}.bias"] = (2, gates) if cell.input_bias else (gates,)
        shapes |= {f"{name}.kernel": (width, 1) for name in self.pooling if POOLINGS[name].weight}
        shapes["output.kernel"] = (width * len(self.pooling), self.classes)
        shapes["output.bias"] = (self.classes,)
        return shapes


class Classifier(tf.Module):  # type: ignore[misc]
    """Weights by name, and the function from token ids to logits."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.architecture = architecture
        self._memory = [Memory() for _ in range(architecture.layers)]
        self.weights = {
            name: tf.Variable(weights[name], name=name, shape=shape, dtype=tf.float32)
            for name, shape in architecture.weight_shapes().items()
        }

    def __call__(self, token_ids: Any, lengths: Any) -> Any:
        """token_ids <int32>[batch, time], lengths <int32>[batch] → logits <float32>[batch, classes]; no dropout."""
        ids, indices = distinct(token_ids, lengths)
        return self.output(self.features(self.embed(ids), indices, lengths))

    def free_memory(self) -> None:
        """Frees what is kept from step to step to be used again; the next step makes it anew."""
        for memory in self._memory:
            memory.free()

    def embed(self, ids: Any) -> Any:
        """The embedding rows of distinct ids <int32>[distinct]; that of <pad> is zeros, whatever the weight holds."""
        rows = tf.gather(self.weights["embedding"], ids)
        return tf.where((ids == PAD)[:, tf.newaxis], 0.0, rows)

    def features(self, rows: Any, indices: Any, lengths: Any) -> Any:
        """The pooled outputs of the last layer, <float32>[batch, width · poolings].

        rows <float32>[distinct, embedding], indices <int32>[batch, time], lengths <int32>[batch].
        """
        layer = self._layer(0, rows, tf.transpose(indices), lengths)
        for number in range(1, self.architecture.layers):
            joined = tf.concat(layer, axis=2)
            time, batch, width = tf.shape(joined)[0], tf.shape(joined)[1], joined.shape[-1]
            every_position = tf.reshape(tf.range(time * batch), [time, batch])
            layer = self._layer(number, tf.reshape(joined, [-1, width]), every_position, lengths)
        pools = (
            (POOLINGS[name].pool, self.weights.get(f"{name}.kernel")) for name in self.architecture.pooling
        )
        return tf.concat([pool(layer, lengths, kernel) for pool, kernel in pools], axis=1)

    def output(self, features: Any) -> Any:
        """Pooled features → logits <float32>[batch, classes]."""
        return tf.matmul(features, self.weights["output.kernel"]) + self.weights["output.bias"]

    def _layer(self, number: int, table: Any, positions: Any, lengths: Any) -> list[Any]:
        """The outputs of each direction, <float32>[time, batch, units], in text order and zero at padding.

        table <float32>[rows, features], positions <int32>[time, batch]: its row at each position.
        """
        directions = [self._direction(number, name, table) for name in self.architecture.directions]
        return scan(self.architecture.cell, directions, positions, lengths, memory=self._memory[number])

    def _direction(self, number: int, name: str, inputs: Any) -> Direction:
        prefix = f"layer_{number}.{name}"
        table = tf.matmul(inputs, self.weights[f"{prefix}.kernel"])
        bias = tf.convert_to_tensor(self.weights[f"{prefix}.bias"])
        if CELLS[self.architecture.cell].input_bias:
            table, bias = table + bias[0], bias[1]
        return Direction(table, self.weights[f"{prefix}.recurrent_kernel"], bias, name == "backward")


def distinct(token_ids: Any, lengths: Any) -> tuple[Any, Any]:
    """The distinct tokens of a batch, padding first, and where each position finds its own.

    token_ids <int32>[batch, time], lengths <int32>[batch] → ids <int32>[distinct], indices <int32>[batch, longest].
    Columns beyond the longest text are cut off and padded positions read as <pad> whatever stands there; <pad> is
    always there, so that more padding changes neither the rows nor their order: not a bit of what follows.
    """
    longest = tf.reduce_max(lengths)
    mask = tf.sequence_mask(lengths, longest)
    real = tf.where(mask, token_ids[:, :longest], PAD)
    ids, indices = tf.unique(tf.concat([[PAD], tf.reshape(real, [-1])], axis=0))
    return ids, tf.reshape(indices[1:], tf.shape(real))
