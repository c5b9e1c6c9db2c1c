"""What words begin with, as features of a linear classifier beside those of the words themselves.

A word that training rows have once says little by itself; that others begin like it says more. Like an n-gram of
characters in the subword models of Bojanowski et al. (2017, §3.2), a prefix is something that a word has: a text has it
as often as it has distinct words that begin with it. So the weight of a prefix may as well be added to the weights of
those words, words that no training row has among them. When it is, a classifier needs its words alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqtrain.text.vocabulary import SPECIAL

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHORTEST = 3  # in characters


def word_prefixes(tokens: Sequence[str], longest: int | None) -> csr_matrix:
    """<float32>[words, prefixes]: what it counts that a word of the vocabulary begins with a prefix, or is one.

    longest: of the prefixes, in characters; None: there are none. All those of a long word have together, as a vector,
    the length of the one that stands for the word: 1. `<pad>` and `<unk>` begin with nothing.
    """
    from scipy.sparse import csr_matrix

    lengths = range(SHORTEST, (longest or 0) + 1)
    numbers: dict[str, int] = {}
    words, prefixes = [], []
    for word, token in enumerate(tokens[len(SPECIAL) :], start=len(SPECIAL)):
        for length in lengths[: max(0, len(token) - SHORTEST + 1)]:
            words.append(word)
            prefixes.append(numbers.setdefault(token[:length], len(numbers)))
    each = np.full(len(words), 1 / math.sqrt(max(1, len(lengths))), np.float32)
    return csr_matrix((each, (words, prefixes)), (len(tokens), len(numbers)))


def with_prefixes(features: csr_matrix, prefixes: csr_matrix) -> csr_matrix:
    """<float32>[rows, features + prefixes] of features <float32>[rows, features], those of the words first."""
    from scipy.sparse import hstack

    return hstack([features, features[:, : prefixes.shape[0]] @ prefixes], format="csr")


def folded(table: NDArray[np.float32], prefixes: csr_matrix) -> NDArray[np.float32]:
    """[features, columns]: a table [features + prefixes, columns] whose prefixes are added to their words.

    with_prefixes(features, prefixes) @ table = features @ folded(table, prefixes).
    """
    words, shared = prefixes.shape
    features = len(table) - shared
    result: NDArray[np.float32] = table[:features].copy()
    result[:words] += prefixes @ table[features:]
    return result
