"""The wide path of a model in TensorFlow's own operators: the arithmetic of `seqtrain.text.ngrams` in a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from seqtrain.inference.layout import cut_array
from seqtrain.text.ngrams import MULTIPLIER, PRIME, START, Ngrams
from seqtrain.text.vocabulary import UNK

LAST = tf.int64.max  # in place of an n-gram that does not count: sorted behind all others


def wide_logits(ngrams: Ngrams, weights: Mapping[str, Any], token_ids: Any, lengths: Any) -> Any:
    """token_ids <int32>[batch, time ≥ 1], lengths <int32>[batch] → <float32>[batch, classes], scaled.

    weights: `wide.table`, `wide.bias` and `wide.scale`. Nothing depends on what stands at padding.
    """
    features = tf.sort(tf.concat([*_features(ngrams, token_ids, lengths)], axis=1), axis=1)
    before = tf.pad(features[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    counts = (before < features) & (features < LAST)
    rows = tf.gather(weights["wide.table"], tf.where(counts, features, 0))
    z = tf.reduce_sum(tf.where(counts[:, :, tf.newaxis], rows, 0.0), axis=1) + weights["wide.bias"]
    logits = tf.concat([-z / 2, z / 2], axis=1) if z.shape[1] == 1 else tf.math.log_sigmoid(z)
    return logits * weights["wide.scale"]


def _features(ngrams: Ngrams, token_ids: Any, lengths: Any) -> Iterator[Any]:
    """For n-grams of 1, 2, … tokens: the feature of the one that begins at each position, <int64>[batch, 1 + time]."""
    cut_length, cut = cut_array(ngrams)
    cut = tf.where(lengths == cut_length, cut, -1)[:, tf.newaxis]
    ids = tf.pad(tf.cast(token_ids, tf.int64), [[0, 0], [1, ngrams.longest - 1]], constant_values=START)
    positions = tf.shape(token_ids)[1] + 1
    begins = tf.range(positions) - 1
    hashes = feature = ids[:, :positions]
    known = feature != UNK
    for length in range(1, ngrams.longest + 1):
        if length > 1:
            last = ids[:, length - 1 : length - 1 + positions]
            hashes, known = (hashes * MULTIPLIER + last) % PRIME, known & (last != UNK)
            feature = ngrams.words + hashes % ngrams.buckets
        ends = begins + length
        whole = (ends <= lengths[:, tf.newaxis]) & ((ends <= cut) | (cut <= begins))
        counts = known & whole & ((length > 1) | (begins >= 0))
        yield tf.where(counts, feature, LAST)
