"""The n-grams of a corpus as a sparse matrix of ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.storage import Corpus
from seqtrain.text.ngrams import Ngrams, Presence, distinct_hashes, presence

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK_TOKENS = 1 << 20
"""About how many tokens are worked on at a time."""
BUCKETS_PER_NGRAM = 8
FEWEST_BUCKETS = 1 << 12
MOST_NUMBERS = 1 << 22  # in the table for hashed n-grams: 16 MB


def feature_matrix(corpus: Corpus, ngrams: Ngrams) -> csr_matrix:
    """<float32>[rows, features]: 1 where a row has a feature."""
    from scipy.sparse import vstack

    parts = [matrix(presence(ngrams, *block), ngrams) for block in _blocks(corpus)]
    return vstack(parts, format="csr")


def matrix(found: Presence, ngrams: Ngrams) -> csr_matrix:
    """The same of texts whose features are known."""
    from scipy.sparse import csr_matrix

    ones, shape = np.ones(len(found.features), np.float32), (len(found.offsets) - 1, ngrams.features)
    return csr_matrix((ones, found.features, found.offsets), shape=shape)


class Sharing(NamedTuple):
    """ngrams: how many of two tokens and more a corpus has; collisions: how many share a bucket with an earlier one."""

    ngrams: int
    buckets: int
    collisions: int


def sharing(corpus: Corpus, ngrams: Ngrams) -> Sharing:
    """How the n-grams of a corpus fill the buckets."""
    hashes = _all_hashes(corpus, ngrams.longest)
    used = len(np.unique(hashes % ngrams.buckets))
    return Sharing(len(hashes), ngrams.buckets, len(hashes) - used)


def _all_hashes(corpus: Corpus, longest: int) -> NDArray[np.int64]:
    """What tells the n-grams of two tokens and more from each other."""
    return np.unique(np.concatenate([distinct_hashes(longest, *block) for block in _blocks(corpus)]))


def enough_buckets(corpus: Corpus, longest: int, columns: int) -> int:
    """A power of two, at least BUCKETS_PER_NGRAM for each n-gram that the corpus has.

    Fewer if a table of so many columns would have more than MOST_NUMBERS.
    """
    wanted = BUCKETS_PER_NGRAM * len(_all_hashes(corpus, longest))
    return max(FEWEST_BUCKETS, min(_power_of_two(wanted), _power_of_two(MOST_NUMBERS // columns)))


def _power_of_two(number: int) -> int:
    """The next one from there."""
    return 1 << max(0, number - 1).bit_length()


def _blocks(corpus: Corpus) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Token ids and offsets of consecutive rows, about BLOCK_TOKENS at a time."""
    starts = np.arange(0, corpus.offsets[-1], BLOCK_TOKENS)
    edges = np.unique([*np.searchsorted(corpus.offsets, starts), len(corpus)])
    for first, last in pairwise(edges):
        yield corpus.token_ids, corpus.offsets[first : last + 1]
