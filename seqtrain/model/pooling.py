"""Pooling over time: the outputs of all real steps of a text become one row of features.

Outputs come time-major, <float32>[time, batch, features], and zero at padded steps. `order` says which order of
the backward direction a pooling wants: "any" (it does not care), "scan" (as computed, last word first) or "text".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from seqtrain.model.masking import length_mask


@dataclass(frozen=True)
class Pooling:
    """pool(outputs, lengths, kernel) → <float32>[batch, features]; `weight`: it has a kernel [features, 1]."""

    pool: Callable[[Any, Any, Any], Any]
    order: str
    weight: bool = False


def _mask(outputs: Any, lengths: Any) -> Any:
    return length_mask(lengths, tf.shape(outputs)[0])[:, :, tf.newaxis]


def mean(outputs: Any, lengths: Any, kernel: None = None) -> Any:
    """Averages over the real steps."""
    total = tf.reduce_sum(tf.where(_mask(outputs, lengths), outputs, 0.0), axis=0)
    return total / tf.cast(lengths, total.dtype)[:, tf.newaxis]


def maximum(outputs: Any, lengths: Any, kernel: None = None) -> Any:
    """The largest value of each feature over the real steps; padding never counts as 0."""
    return tf.reduce_max(tf.where(_mask(outputs, lengths), outputs, outputs.dtype.min), axis=0)


def last(outputs: Any, lengths: Any, kernel: None = None) -> Any:
    """The output after the last real step in scan order: the backward direction has then read the first token."""
    rows = tf.stack([lengths - 1, tf.range(tf.shape(lengths)[0])], axis=1)
    return tf.gather_nd(outputs, rows)


def attention(outputs: Any, lengths: Any, kernel: Any) -> Any:
    """The average weighted by a softmax over the real steps of tanh(outputs) · kernel (Zhou et al. 2016, §3.3).

    The score has no bias: the softmax would cancel it.
    """
    scores = tf.tensordot(tf.tanh(outputs), kernel, axes=1)
    scores = tf.where(_mask(outputs, lengths), scores, scores.dtype.min)
    return tf.reduce_sum(outputs * tf.nn.softmax(scores, axis=0), axis=0)


POOLINGS = {
    "mean": Pooling(mean, order="any"),
    "max": Pooling(maximum, order="any"),
    "last": Pooling(last, order="scan"),
    "attention": Pooling(attention, order="text", weight=True),
}
