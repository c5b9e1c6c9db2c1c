"""Pooling over time: the outputs of all real steps of a text become one row of features.

A layer's outputs come as one tensor per direction, forward first, <float32>[time, batch, units] each, in text order and
zero at padding. Features are in the order of the directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from seqtrain.model.masking import length_mask


@dataclass(frozen=True)
class Pooling:
    """pool(outputs, lengths, kernel) → <float32>[batch, features]; `weight`: it has a kernel [features, 1]."""

    pool: Callable[[Sequence[Any], Any, Any], Any]
    weight: bool = False


def _mask(outputs: Any, lengths: Any) -> Any:
    return length_mask(lengths, tf.shape(outputs)[0])[:, :, tf.newaxis]


def mean(outputs: Sequence[Any], lengths: Any, kernel: None = None) -> Any:
    """Averages over the real steps; outputs at padding are zero and add nothing."""
    totals = tf.concat([tf.reduce_sum(direction, axis=0) for direction in outputs], axis=1)
    return totals / tf.cast(lengths, totals.dtype)[:, tf.newaxis]


def maximum(outputs: Sequence[Any], lengths: Any, kernel: None = None) -> Any:
    """The largest value of each feature over the real steps; padding never counts as 0."""
    mask = _mask(outputs[0], lengths)
    return tf.concat(
        [tf.reduce_max(tf.where(mask, direction, direction.dtype.min), axis=0) for direction in outputs],
        axis=1,
    )


def last(outputs: Sequence[Any], lengths: Any, kernel: None = None) -> Any:
    """The output after the last step of each direction: the backward one has then read the first token."""
    forward, *backward = outputs
    ends = tf.stack([lengths - 1, tf.range(tf.shape(lengths)[0])], axis=1)
    return tf.concat([tf.gather_nd(forward, ends), *(direction[0] for direction in backward)], axis=1)


def attention(outputs: Sequence[Any], lengths: Any, kernel: Any) -> Any:
    """The average weighted by a softmax over the real steps of tanh(outputs) · kernel (Zhou et al. 2016, §3.3).

    The score has no bias: the softmax would cancel it.
    """
    joined = tf.concat(outputs, axis=2)
    scores = tf.tensordot(tf.tanh(joined), kernel, axes=1)
    scores = tf.where(_mask(joined, lengths), scores, scores.dtype.min)
    return tf.reduce_sum(joined * tf.nn.softmax(scores, axis=0), axis=0)


POOLINGS = {
    "mean": Pooling(mean),
    "max": Pooling(maximum),
    "last": Pooling(last),
    "attention": Pooling(attention, weight=True),
}
"""By the name in a config."""
