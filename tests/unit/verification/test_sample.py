"""Which texts a model is asked about."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError
from seqtrain.text.vocabulary import UNK
from seqtrain.verification.sample import (
    MOST_TEXTS,
    MOST_TOKENS,
    Sample,
    affordable,
    drawn,
    made_up,
    nasty,
    of_rows,
)
from seqtrain.verification.texts import LONGEST, nasty_texts
from tests.onnx_models import TOKENIZER, VOCABULARY


def encode(text: str) -> list[int]:
    return VOCABULARY.encode(TOKENIZER(text))


@given(count=st.integers(0, 400), most=st.integers(1, 20))
def test_items_are_drawn_evenly(count, most):
    kept, found = drawn(iter(range(count)), lambda item: item, most)
    assert found == count
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    if len(kept) > 1:
        steps = np.diff(kept)
        assert kept[0] == 0
        assert max(steps) <= 2 * min(steps)
        assert count - kept[-1] <= 2 * max(steps)


def rows(count: int) -> list[Example | BadRow]:
    good = [
        Example("a joy" if line % 2 else "dull", None, 1.0, "a.txt", line) for line in range(1, count + 1)
    ]
    return [*good, BadRow("a.txt", count + 1, "NUL", "there is a NUL byte; remove it")]


def test_the_texts_of_rows():
    sample, origin = of_rows(rows(3), encode, "a.txt")
    assert [text.tolist() for text in sample.token_ids] == [encode("a joy"), encode("dull"), encode("a joy")]
    assert sample.places == ["a.txt:1", "a.txt:2", "a.txt:3"]
    assert origin == "3 texts: a.txt"


def test_some_of_many_rows():
    sample, origin = of_rows(rows(3 * MOST_TEXTS), encode, "a.txt")
    assert len(sample.token_ids) == len(sample.places) == MOST_TEXTS
    assert origin == "2,000 of 6,000 texts: a.txt"


def test_no_rows():
    with pytest.raises(DataError, match=r"^a\.txt: there is no text that can be used$"):
        of_rows(rows(0), encode, "a.txt")


@pytest.mark.parametrize(
    ("texts", "length", "kept"), [(3, 5, 3), (1000, 200, MOST_TOKENS // 200), (2, MOST_TOKENS, 1)]
)
def test_long_texts_make_few(texts, length, kept):
    sample = affordable(Sample([np.ones(length, np.int32)] * texts, list(map(str, range(texts)))))
    assert len(sample.token_ids) == len(set(sample.places)) == kept


@pytest.mark.parametrize("max_length", [1, 2, 400])
@pytest.mark.parametrize("words", [2, 30])
def test_made_up_texts_are_of_all_lengths(words, max_length):
    sample, origin = made_up(words, max_length)
    assert {1, max_length} <= set(sample.lengths.tolist()) <= set(range(1, max_length + 1))
    assert {id for text in sample.token_ids for id in text} == set(range(UNK, words))
    assert origin == "200 texts: made up of the model's words"
    assert [text.tolist() for text in made_up(words, max_length)[0].token_ids] == [
        text.tolist() for text in sample.token_ids
    ]


def test_nasty_texts_are_encoded_like_others():
    sample = nasty(TOKENIZER, encode)
    texts = nasty_texts(TOKENIZER)
    assert sample.places == [f"nasty text {name!r}" for name in texts]
    assert [text.tolist() for text in sample.token_ids] == [
        encode(text.decode("utf-8", "replace")) for text in texts.values()
    ]
    assert sample.lengths.min() == 1
    assert sample.lengths.max() == TOKENIZER.max_length


def test_nor_are_they_endless_where_the_limit_is_far_away():
    assert made_up(30, 10**12)[0].lengths.max() == LONGEST
