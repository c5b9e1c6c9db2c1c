"""Masks are made here and nowhere else: always from lengths, never guessed from values."""

from __future__ import annotations

import tensorflow as tf


def length_mask(lengths: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """True at the real steps of right-padded rows.

    lengths <int32>[batch], time = the padded length → <bool>[time, batch].
    """
    return tf.range(time)[:, tf.newaxis] < lengths[tf.newaxis, :]
