"""Word n-grams as numbers of features, by arithmetic on token ids that every runtime can do alike.

A text has a feature if it has the n-gram, once or many times; what has `<unk>` in it is none. The feature of a single
token is its id. Longer n-grams, for which START stands before the first token, are hashed: of the ids x₁ … xₙ, h = x₁,
then h = (h · MULTIPLIER + xᵢ) mod PRIME for each next one; the feature is words + h mod buckets. No step is negative or
leaves 63 bits, so int64 does it everywhere. N-grams of different length may share a bucket, as any two may (feature
hashing: Weinberger et al. 2009, without signs). START is 2³¹ − 2, and all token ids are below it; were it 0, as that of
`<pad>`, the h of "START a b" would be that of "a b".

An n-gram never spans what was cut out of the middle of a text: of the n-grams of a text that has exactly `cut_length`
tokens, those that begin before position `cut` and end at or behind it do not count. An uncut text that happens to have
so many tokens loses the n-grams over that place too, in training as in prediction: ids alone do not tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.text.vocabulary import UNK

MULTIPLIER = 1_327_217_885
PRIME = 2**31 - 1
START = PRIME - 1  # in place of a token id


class Ngrams(NamedTuple):
    """longest: of the n-grams, in tokens. words: entries of the vocabulary. buckets: for the n-grams that are hashed.

    cut_length, cut: see above; 0 where no text is cut in the middle.
    """

    longest: int
    words: int
    buckets: int
    cut_length: int = 0
    cut: int = 0

    @property
    def features(self) -> int:
        """How many there may be: the rows of a table with one for each."""
        return self.words + (self.buckets if self.longest > 1 else 0)


class Presence(NamedTuple):
    """Which features each text has, as the rows of a sparse matrix of ones.

    features int64: those of text i, rising, from offsets[i] to offsets[i + 1]; offsets int64[texts + 1].
    """

    offsets: NDArray[np.int64]
    features: NDArray[np.int64]


def presence(ngrams: Ngrams, token_ids: NDArray[Any], offsets: NDArray[Any]) -> Presence:
    """The features of texts whose token ids stand one behind the other, those of text i from offsets[i] on."""
    keys = [
        text * ngrams.features + (ids if length == 1 else ngrams.words + ids % ngrams.buckets)
        for length, (text, ids) in enumerate(_hashed(ngrams, token_ids, offsets), start=1)
    ]
    rows, features = np.divmod(np.unique(np.concatenate(keys)), ngrams.features)
    return Presence(np.searchsorted(rows, np.arange(len(offsets))), features)


def distinct_hashes(longest: int, token_ids: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.int64]:
    """What tells the n-grams of two tokens and more that the texts have from each other, as good as always."""
    _, *longer = _hashed(Ngrams(longest, 0, 0), token_ids, offsets)
    return np.unique(np.concatenate([np.empty(0, np.int64), *(hashes for _, hashes in longer)]))


def _hashed(
    ngrams: Ngrams, token_ids: NDArray[Any], offsets: NDArray[Any]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For n-grams of 1, 2, … tokens: the text of each that counts, and its hash; that of one token is its id."""
    starts = np.asarray(offsets, np.int64) - offsets[0]
    lengths = np.diff(starts)
    ids = np.insert(np.asarray(token_ids[offsets[0] : offsets[-1]], np.int64), starts[:-1], START)
    text = np.repeat(np.arange(len(lengths)), lengths + 1)
    position = np.arange(len(ids)) - np.repeat(starts[:-1] + np.arange(len(lengths)), lengths + 1) - 1
    left = lengths[text] - position  # tokens from here to the end of the text
    is_cut = (lengths == ngrams.cut_length)[text]
    hashes, known = ids, ids != UNK
    is_token = known & (position >= 0)
    yield text[is_token], ids[is_token]
    for length in range(2, ngrams.longest + 1):
        last = ids[length - 1 :]
        hashes, known = (hashes[:-1] * MULTIPLIER + last) % PRIME, known[:-1] & (last != UNK)
        begins = slice(len(hashes))
        spans = is_cut[begins] & (position[begins] < ngrams.cut) & (position[begins] + length > ngrams.cut)
        counts = known & (left[begins] >= length) & ~spans
        yield text[begins][counts], hashes[counts]
