"""The rule that seqtrain's sparse Adam is compared with; needs a TensorFlow that `runtime.start` has set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from seqtrain.training.optimizer import Adam


class PerRowAdam(Adam):
    """Divides the bias of a row's moments out by the number of updates that this row has had."""

    def __init__(self, weights: Mapping[str, tf.Variable]) -> None:
        super().__init__(weights)
        rows = weights["embedding"].shape[0]
        self.slots["count.embedding"] = tf.Variable(tf.zeros([rows, 1]), trainable=False)

    def update_rows(self, name: str, ids: Any, gradient: Any, learning_rate: Any, step: Any) -> None:
        counts = self.slots[f"count.{name}"]
        counts.scatter_add(tf.IndexedSlices(tf.ones([tf.size(ids), 1]), ids))
        super().update_rows(name, ids, gradient, learning_rate, tf.gather(counts, ids))
