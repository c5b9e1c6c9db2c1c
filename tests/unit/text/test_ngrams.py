"""N-grams as numbers of features. That every engine has the same ones is a law, `tests.invariants.test_ngrams`."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.text.ngrams import MULTIPLIER, PRIME, START, Ngrams, distinct_hashes, presence
from tests import oracles

words = st.integers(1, 3) | st.integers(1, START - 1)  # few, so that n-grams repeat, or as large as may be
some_texts = st.lists(st.lists(words, min_size=1, max_size=9), min_size=1, max_size=6)


def flat(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids one behind the other, and where each text begins."""
    return np.array([number for text in texts for number in text], np.int32), np.cumsum([0, *map(len, texts)])


def features(ngrams: Ngrams, texts: list[list[int]]) -> list[list[int]]:
    offsets, found = presence(ngrams, *flat(texts))
    return [part.tolist() for part in np.split(found, offsets[1:-1])]


@given(
    texts=some_texts,
    longest=st.integers(1, 5),
    buckets=st.integers(1, 2**26),
    cut=st.sampled_from([(0, 0), (7, 4), (6, 3), (2, 1), (1, 1), (10**12, 5 * 10**11)]),
)
def test_the_features_are_those_of_the_oracle(texts, longest, buckets, cut):
    ngrams = Ngrams(longest, 2**31, buckets, *cut)
    expected = [sorted(oracles.ngram_features(text, **ngrams._asdict())) for text in texts]
    assert features(ngrams, texts) == expected
    assert max(max(found, default=0) for found in expected) < ngrams.features


def test_by_hand() -> None:
    """For 3 4: (3 · 1327217885 + 4) mod (2³¹ − 1) = 1834170012; its bucket is 12.

    For START 3 it is ((2³¹ − 2) · 1327217885 + 3) mod (2³¹ − 1) = 820265765, for START 3 4 1954258095.
    """
    ngrams = Ngrams(3, words=10, buckets=1000)
    longer = [10 + bucket for bucket in (2, 12, 95, 251, 765)]
    assert features(ngrams, [[3, 4, 5], [7]]) == [[3, 4, 5, *longer], [7, 10 + 769]]


def test_an_ngram_at_the_start_is_another_one() -> None:
    """3 4 at the start is START 3 and START 3 4 besides, which 3 4 further on is not."""
    first, later = (set(found) for found in features(Ngrams(3, 10, 10**6), [[3, 4], [5, 3, 4]]))
    assert len(first) == len({"3", "4", "3 4", "START 3", "START 3 4"})
    assert first & later == {3, 4, 10 + hashed([3, 4]) % 10**6}


def test_what_has_an_unknown_word_is_no_feature() -> None:
    ngrams = Ngrams(3, words=10, buckets=1000)
    assert features(ngrams, [[3, 4, 1], [1, 3, 4], [1], [3, 1, 4]]) == [
        [3, 4, 10 + 12, 10 + 95, 10 + 765],
        [3, 4, 10 + 12],
        [],
        [3, 4, 10 + 765],
    ]


def test_without_longer_ngrams_there_are_no_buckets() -> None:
    assert Ngrams(1, words=10, buckets=0).features == 10
    assert Ngrams(2, words=10, buckets=5).features == 15
    assert features(Ngrams(1, 10, 0), [[4, 4, 2], [7]]) == [[2, 4], [7]]


def test_there_may_be_no_texts_and_no_features() -> None:
    for texts in ([], [[1]], [[1, 1], [1]]):
        offsets, found = presence(Ngrams(2, 10, 5), *flat(texts))
        assert (offsets.tolist(), found.tolist()) == ([0] * (len(texts) + 1), [])


def test_texts_may_be_some_of_many() -> None:
    texts = [[9, 2], [3, 4, 5], [6, 7], [8]]
    ngrams = Ngrams(2, words=10, buckets=1000)
    token_ids, offsets = flat(texts)
    found = presence(ngrams, token_ids, offsets[1:4])
    expected = presence(ngrams, *flat(texts[1:3]))
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


@pytest.mark.parametrize("length", [5, 6, 7])
def test_nothing_spans_the_cut(length: int) -> None:
    """Of six tokens, with the cut behind the third: neither 4-5 nor one of the trigrams over it."""
    text = list(range(2, length + 2))
    whole, cut = Ngrams(3, 10, 10**6), Ngrams(3, 10, 10**6, cut_length=6, cut=3)
    lost = {*features(whole, [text])[0]} - {*features(cut, [text])[0]}
    over = {10 + hashed(ngram) % 10**6 for ngram in ([4, 5], [3, 4, 5], [4, 5, 6])}
    assert lost == (over if length == 6 else set())


def hashed(ids: list[int]) -> int:
    return reduce(lambda number, other: (number * MULTIPLIER + other) % PRIME, ids)


@given(texts=some_texts, longest=st.integers(1, 4))
def test_hashes_are_those_of_the_longer_ngrams(texts, longest):
    """With as many buckets as there are hashes, a feature tells its hash."""
    features = set().union(
        *(oracles.ngram_features(text, longest=longest, words=2**31, buckets=2**31) for text in texts)
    )
    expected = sorted(feature - 2**31 for feature in features if feature >= 2**31)
    assert distinct_hashes(longest, *flat(texts)).tolist() == expected


def occupied(ids: np.ndarray, buckets: int) -> tuple[int, float]:
    """How many buckets the bigrams of a text take, and how many as many random numbers would take on average."""
    words = int(ids.max()) + 1
    pairs = 1 + len(np.unique(ids[:-1] * words + ids[1:]))  # START and the first one are a pair too
    _, found = presence(Ngrams(2, words, buckets), ids, np.array([0, len(ids)]))
    return np.count_nonzero(found >= words), buckets * (1 - (1 - 1 / buckets) ** pairs)


@pytest.mark.parametrize("buckets", [1 << 12, 1 << 16, 1 << 18, 100_003])
def test_ngrams_share_buckets_as_random_numbers_do(buckets: int) -> None:
    random = np.random.default_rng(0)
    found, expected = occupied(random.integers(2, 30_000, 60_000), buckets)
    assert found == pytest.approx(expected, rel=0.02)
    # Words as frequent as in texts share less: those behind one and the same word have buckets side by side.
    found, expected = occupied(np.minimum(1 + random.zipf(1.2, 60_000), 30_000), buckets)
    assert found > 0.98 * expected
