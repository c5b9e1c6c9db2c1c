"""A lexicon against a counter: however few words it keeps in memory."""

from __future__ import annotations

import errno
import tracemalloc
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data import lexicon
from seqtrain.data.lexicon import Lexicon
from seqtrain.text.vocabulary import Vocabulary

words = st.one_of(
    st.sampled_from(["a", "b", "é", "zebra", "<unk>", "<pad>", "\U0001f600", "￿", " "]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=3),
)
chunks = st.lists(st.lists(words, max_size=12), min_size=1, max_size=8).filter(any)
few_bytes = st.sampled_from([0, 300, 700, 1 << 27])  # none, two or five words


@settings(deadline=None)
@given(chunks, few_bytes, st.integers(1, 5), st.integers(1, 3), st.integers(2, 12))
def test_vocabulary_and_final_ids_are_those_of_a_counter(
    tmp_path_factory, chunks, most_bytes, batch, min_count, max_size
):
    known = Lexicon(tmp_path_factory.mktemp("lexicon"))
    with mock.patch.object(lexicon, "MOST_BYTES", most_bytes), mock.patch.object(lexicon, "_BATCH", batch):
        token_ids = [np.array(known.ids(chunk), np.int32) for chunk in chunks]
        vocabulary = known.vocabulary(known.counts(token_ids), min_count, max_size)
        final = known.final_ids(vocabulary)
    counted = Counter(word for chunk in chunks for word in chunk)
    assert vocabulary == Vocabulary.from_counts(counted, min_count, max_size)
    for chunk, ids in zip(chunks, token_ids, strict=True):
        assert final[ids].tolist() == (vocabulary.encode(chunk) if chunk else [])


def test_a_word_that_is_put_aside_gets_another_id(tmp_path, monkeypatch):
    """Otherwise the law above would try nothing."""
    monkeypatch.setattr(lexicon, "MOST_BYTES", 300)
    known = Lexicon(tmp_path)
    assert [known.ids(["a", "b", "c"]), known.ids(["c", "d"]), known.ids(["c"])] == [[0, 1, 2], [3, 4], [3]]
    assert len(known) == 5
    assert known.counts([np.array([0, 3, 3]), np.array([2])]).tolist() == [1, 0, 1, 2, 0]
    assert (
        known.vocabulary(known.counts([np.array([0, 3, 3, 2])]), 1, 9).to_tsv()
        == "<pad>\t0\n<unk>\t0\nc\t3\na\t1\n"
    )


def test_a_word_that_is_not_counted_is_no_entry(tmp_path):
    """It is of rows that were drawn for dev."""
    known = Lexicon(tmp_path)
    vocabulary = known.vocabulary(known.counts([np.array(known.ids(["a", "b"]))[:1]]), 1, 9)
    assert vocabulary.tokens == ["<pad>", "<unk>", "a"]


@settings(deadline=None)
@given(chunks, few_bytes, st.lists(words, max_size=5, unique=True), st.integers(2, 5))
def test_further_words_count_as_often_as_they_occur(tmp_path_factory, chunks, most_bytes, more, max_size):
    known = Lexicon(tmp_path_factory.mktemp("lexicon"))
    with mock.patch.object(lexicon, "MOST_BYTES", most_bytes):
        counts = known.counts([np.array(known.ids(chunk), np.int32) for chunk in chunks])
        vocabulary = known.vocabulary(counts, 2, max_size)
        more = [word for word in more if word not in vocabulary.tokens]
        longer = known.extended(vocabulary, more, counts)
    counted = Counter(word for chunk in chunks for word in chunk)
    assert longer.tokens == [*vocabulary.tokens, *more]
    assert longer.counts[2:] == [counted[word] for word in longer.tokens[2:]]
    assert longer.counts[0] == 0
    assert sum(longer.counts) == sum(counted.values())


def test_memory_does_not_grow_with_the_words(tmp_path, monkeypatch):
    monkeypatch.setattr(lexicon, "MOST_BYTES", 200_000)
    monkeypatch.setattr(lexicon, "_BATCH", 10)
    peaks = []
    for rounds in (1, 10, 100):  # the first fills caches
        folder = tmp_path / str(rounds)
        folder.mkdir()
        known = Lexicon(folder)
        tracemalloc.start()
        for chunk in range(rounds):
            known.ids(f"word{chunk}-{number}" for number in range(1000))
        known.final_ids(known.vocabulary(known.counts([]), 1, 1000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(known) == 1000 * rounds
    assert (peaks[2] - peaks[1]) / 90_000 < 10  # bytes a word; each would take more than a hundred


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("name", ["counts", "final_ids", "words_0", "ids_0"])
def test_a_full_disk_is_told_as_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr(lexicon, "MOST_BYTES", 0)
    (tmp_path / name).symlink_to("/dev/full")

    def use():
        known = Lexicon(tmp_path)
        token_ids = [np.array(known.ids([word])) for word in "ab"]
        known.final_ids(known.vocabulary(known.counts(token_ids), 1, 9))

    with pytest.raises(OSError, match="No space left") as caught:
        use()
    assert caught.value.errno == errno.ENOSPC
