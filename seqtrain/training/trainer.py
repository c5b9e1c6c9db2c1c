"""A model in training: its weights, optimizer and compiled steps behind plain NumPy batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import tensorflow as tf

from seqtrain.data.batching import Batch
from seqtrain.model.classifier import Architecture, Classifier
from seqtrain.model.dropout import Dropout
from seqtrain.model.initialization import initial_weights
from seqtrain.training.checkpoint import Checkpoint
from seqtrain.training.loop import Progress, Sums
from seqtrain.training.optimizer import Adam
from seqtrain.training.step import logits_step, training_step


class Trainer:
    """Trains and measures one model; everything in it is a function of (architecture, seed, batches seen)."""

    def __init__(
        self, architecture: Architecture, *, dropout: Dropout, clip_norm: float | None, seed: int
    ) -> None:
        self.model = Classifier(architecture, initial_weights(architecture, seed))
        self.optimizer = Adam(self.model.weights)
        self._step = training_step(
            self.model, self.optimizer, dropout=dropout, clip_norm=clip_norm, seed=seed
        )
        self._logits = logits_step(self.model)

    def train_on(
        self, batch: Batch, number: int, learning_rate: float, *, freeze_embedding: bool = False
    ) -> tuple[Sums, float]:
        """One step, the `number`th from 1 → the batch's sums and the norm of its gradient before clipping.

        freeze_embedding: leave it as it is. Where training diverges the loss or the norm is not finite.
        """
        arrays = (batch.token_ids, batch.lengths, batch.labels, batch.weights)
        embedding_rate = 0.0 if freeze_embedding else learning_rate
        values = (*arrays, number, learning_rate, embedding_rate)
        sums = self._step(*map(tf.constant, values))
        return Sums(
            loss=float(sums["loss_sum"]),
            correct=float(sums["correct"]),
            weight=float(sums["weight_sum"]),
            tokens=int(batch.lengths.sum()),
        ), float(sums["gradient_norm"])

    def logits(self, batches: Iterable[Batch], rows: int) -> np.ndarray:
        """<float32>[rows, classes]: the network's for each row of the corpus that the batches cover."""
        result = np.empty((rows, self.model.architecture.classes), np.float32)
        for batch in batches:
            result[batch.rows] = self._logits(tf.constant(batch.token_ids), tf.constant(batch.lengths))
        return result

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the weights by name."""
        return {name: weight.numpy() for name, weight in self.model.weights.items()}

    def set_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        for name, weight in self.model.weights.items():
            weight.assign(weights[name])

    def checkpoint(self, progress: Progress, journal_bytes: int) -> Checkpoint:
        """A copy of all that changes in training."""
        slots = {name: slot.numpy() for name, slot in self.optimizer.slots.items()}
        return Checkpoint(self.weights(), slots, replace(progress), journal_bytes)

    def checkpoint_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the tensors in a checkpoint of this model."""
        variables = {f"weights/{name}": weight for name, weight in self.model.weights.items()}
        variables |= {f"slots/{name}": slot for name, slot in self.optimizer.slots.items()}
        return {name: tuple(variable.shape) for name, variable in variables.items()}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to where a checkpoint of the same model was made."""
        self.set_weights(checkpoint.weights)
        for name, slot in self.optimizer.slots.items():
            slot.assign(checkpoint.slots[name])
