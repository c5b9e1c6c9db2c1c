"""What is left out of the network at random in a training step: words, and features of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dropout:
    """Shares to drop: `words`, whole rows of the embedding; `features`, of the pooled features.

    rare <float32>[vocabulary]: shares for single words, where they are more than `words`.
    """

    words: float = 0.0
    features: float = 0.0
    rare: NDArray[np.float32] | None = None


def rare_shares(counts: Sequence[int], rare: float) -> NDArray[np.float32] | None:
    """<float32>[vocabulary]: rare / (rare + count) for words that occur, 0 for others; None for all if `rare` is 0.

    counts: of the words in the training rows. Where those have a rare word, other texts have one that is unknown, which
    is as good as left out: so the rarer a word, the more often the network has to do without it. This is the word
    dropout of Kiperwasser & Goldberg (2016); `rare` is their α.
    """
    if not rare:
        return None
    found = np.asarray(counts, np.float64)
    return np.where(found > 0, rare / (rare + found), 0.0).astype(np.float32)


def drop_words(rows: Any, ids: Any, dropout: Dropout, vocabulary_size: int, seed: Any) -> Any:
    """Zeroes the rows of random words of the vocabulary and scales the others by 1 / (1 − dropout.words).

    One draw per word of the vocabulary, so that whether a word is dropped in a step depends on (seed, word) alone
    and not on the batch it meets or the padding around it (word-type dropout, Gal & Ghahramani 2016, §4.2).
    rows <float32>[distinct, embedding], ids <int32>[distinct], seed <int32>[2].
    """
    shares = dropout.words if dropout.rare is None else np.maximum(dropout.words, dropout.rare)
    if not np.any(shares):
        return rows
    kept = tf.random.stateless_uniform([vocabulary_size], seed) >= shares
    return tf.where(tf.gather(kept, ids)[:, tf.newaxis], rows / (1.0 - dropout.words), 0.0)


def drop_features(features: Any, share: float, seed: Any) -> Any:
    """Ordinary dropout on <float32>[batch, features], seed <int32>[2]."""
    return tf.nn.experimental.stateless_dropout(features, share, seed) if share else features
