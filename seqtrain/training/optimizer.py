"""Adam (Kingma & Ba 2015), with a sparse form for the embedding.

The sparse ("lazy") form updates only the rows of the words in the batch: their moments decay when they are met, not
at every step. Both forms divide the bias out by the global step, as the paper's algorithm 1 does in its efficient
form (end of §2): rate · sqrt(1 − β₂ᵗ) / (1 − β₁ᵗ), with epsilon outside the correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


class Adam(tf.Module):  # type: ignore[misc]
    """The two moments of each weight, and the updates."""

    def __init__(self, weights: Mapping[str, tf.Variable]) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.slots = {
            f"{moment}.{name}": tf.Variable(tf.zeros_like(weight), trainable=False, name=f"{moment}.{name}")
            for name, weight in weights.items()
            for moment in ("mean", "variance")
        }

    def update(self, name: str, gradient: Any, learning_rate: Any, step: Any) -> None:
        """The dense form: gradient of the weight's shape; step counts from 1."""
        tf.raw_ops.ResourceApplyAdam(
            var=self.weights[name].handle,
            m=self.slots[f"mean.{name}"].handle,
            v=self.slots[f"variance.{name}"].handle,
            beta1_power=BETA_1 ** tf.cast(step, tf.float32),
            beta2_power=BETA_2 ** tf.cast(step, tf.float32),
            lr=learning_rate,
            beta1=BETA_1,
            beta2=BETA_2,
            epsilon=EPSILON,
            grad=gradient,
        )

    def update_rows(self, name: str, ids: Any, gradient: Any, learning_rate: Any, step: Any) -> None:
        """The sparse form: ids <int32>[rows], all different, gradient <float32>[rows, features]."""
        mean, variance = self.slots[f"mean.{name}"], self.slots[f"variance.{name}"]
        new_mean = BETA_1 * tf.gather(mean, ids) + (1.0 - BETA_1) * gradient
        new_variance = BETA_2 * tf.gather(variance, ids) + (1.0 - BETA_2) * gradient * gradient
        count = tf.cast(step, tf.float32)
        rate = learning_rate * tf.sqrt(1.0 - BETA_2**count) / (1.0 - BETA_1**count)
        mean.scatter_update(tf.IndexedSlices(new_mean, ids))
        variance.scatter_update(tf.IndexedSlices(new_variance, ids))
        change = rate * new_mean / (tf.sqrt(new_variance) + EPSILON)
        # scatter_update, not scatter_sub: it copies whole rows.
        self.weights[name].scatter_update(tf.IndexedSlices(tf.gather(self.weights[name], ids) - change, ids))
