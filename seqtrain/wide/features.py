"""The n-grams of a corpus as a sparse matrix of ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.storage import Corpus, spans
from seqtrain.text.ngrams import Ngrams, Presence, distinct_hashes, presence

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BUCKETS_PER_NGRAM = 8
FEWEST_BUCKETS = 1 << 12
MOST_NUMBERS = 1 << 22  # in the table for hashed n-grams: 16 MB


def feature_matrix(corpus: Corpus, ngrams: Ngrams) -> csr_matrix:
    """<float32>[rows, features]: 1 where a row has a feature."""
    from scipy.sparse import vstack

    return vstack([matrix(presence(ngrams, *part), ngrams) for part in _parts(corpus)], format="csr")


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


def sharing(hashes: NDArray[np.int64], buckets: int) -> Sharing:
    """How n-grams fill the buckets."""
    return Sharing(len(hashes), buckets, len(hashes) - len(np.unique(hashes % buckets)))


def ngram_hashes(corpus: Corpus, longest: int) -> NDArray[np.int64]:
    """What tells the n-grams of two tokens and more from each other."""
    return np.unique(np.concatenate([distinct_hashes(longest, *part) for part in _parts(corpus)]))


def enough_buckets(ngrams: int, columns: int) -> int:
    """A power of two, at least BUCKETS_PER_NGRAM for each n-gram.

    Fewer if a table of so many columns would have more than MOST_NUMBERS.
    """
    wanted = _power_of_two(BUCKETS_PER_NGRAM * ngrams)
    return max(FEWEST_BUCKETS, min(wanted, _power_of_two(MOST_NUMBERS // columns)))


def _power_of_two(number: int) -> int:
    """The next one from there."""
    return 1 << max(0, number - 1).bit_length()


def _parts(corpus: Corpus) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Token ids, and offsets of consecutive rows."""
    for first, last in spans(corpus):
        yield corpus.token_ids, corpus.offsets[first : last + 1]
