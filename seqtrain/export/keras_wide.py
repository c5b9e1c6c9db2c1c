"""The wide path of a model in Keras's own operations: the arithmetic of `seqtrain.text.ngrams` in a stock model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqtrain.inference.layout import cut_array
from seqtrain.text.ngrams import MULTIPLIER, PRIME, START, Ngrams
from seqtrain.text.vocabulary import UNK

LAST = 2**63 - 1  # in place of an n-gram that does not count: sorted behind all others


def wide_sum(keras: Any, ngrams: Ngrams, columns: int, token_ids: Any) -> Any:
    """token_ids <int32>[batch, time ≥ 1], padded with 0 → <float32>[batch, columns].

    The sum over a text's features of the rows of a layer `wide`, whose weight is <float32>[features, columns].
    """
    ops = keras.ops
    features = ops.sort(ops.concatenate([*_features(ops, ngrams, token_ids)], axis=1), axis=1)
    before = ops.pad(features[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    counts = ops.logical_and(before < features, features < LAST)
    table = keras.layers.Embedding(ngrams.features, columns, name="wide")
    rows = table(ops.where(counts, features, 0))
    return ops.sum(ops.where(ops.expand_dims(counts, 2), rows, 0.0), axis=1)


def _features(ops: Any, ngrams: Ngrams, token_ids: Any) -> Iterator[Any]:
    """For n-grams of 1, 2, … tokens: the feature of the one that begins at each position, <int64>[batch, 1 + time]."""
    lengths = ops.sum(ops.cast(ops.not_equal(token_ids, 0), "int32"), axis=1, keepdims=True)
    cut_length, cut = cut_array(ngrams).tolist()
    cuts = ops.where(ops.equal(lengths, cut_length), cut, -1)
    last = hashes = feature = ops.pad(ops.cast(token_ids, "int64"), [[0, 0], [1, 0]], constant_values=START)
    begins = ops.cumsum(ops.cast(ops.ones_like(last), "int32"), axis=1) - 2
    known = ops.not_equal(last, UNK)
    for length in range(1, ngrams.longest + 1):
        if length > 1:
            last = ops.pad(last[:, 1:], [[0, 0], [0, 1]])
            hashes = (hashes * MULTIPLIER + last) % PRIME
            known = ops.logical_and(known, ops.not_equal(last, UNK))
            feature = hashes % ngrams.buckets + ngrams.words
        ends = begins + length
        whole = ops.logical_and(ends <= lengths, ops.logical_or(ends <= cuts, cuts <= begins))
        first = begins >= (0 if length == 1 else -1)
        yield ops.where(ops.logical_and(ops.logical_and(known, whole), first), feature, LAST)
