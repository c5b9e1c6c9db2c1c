"""The encoder against the tokenizer, text by text: whatever the texts, the chunks and what is remembered of them."""

from __future__ import annotations

import tracemalloc
import weakref
from functools import partial
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data import encoding
from seqtrain.data.encoding import Encoder, Texts
from seqtrain.data.piece_table import PieceTable
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer
from tests.unit.data.test_pieces import odd_texts

WORDS = [
    "the",
    "The",
    "plot",
    "it's",
    "it’s",
    "(naïve)",
    "映画",
    "3.5",
    "\u00ad",
    "…",
    "incomprehensibilities",
]
word_texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
chunks = st.lists(st.lists(st.one_of(word_texts, odd_texts), min_size=1, max_size=5), max_size=4)
tokenizers = st.builds(
    Tokenizer,
    kind=st.sampled_from(sorted(TOKENIZERS)),
    lowercase=st.booleans(),
    max_length=st.integers(1, 9),
    truncate=st.sampled_from(sorted(TRUNCATIONS)),
)


def encoded(encoder: Encoder, words: list[str], texts: list[str]) -> list[tuple[list[str], bool]]:
    """The words and the truncation of each text; `words` are those known so far."""
    result = encoder(Texts.of(texts))
    assert result.first in (0, len(words))
    words[result.first :] = result.words
    assert len(set(words)) == len(words), "each word is new once"
    assert [column.dtype for column in result[2:]] == [np.int32, np.int32, np.bool_]
    assert len(result.numbers) == result.lengths.sum()
    rows = np.split(result.numbers, np.cumsum(result.lengths)[:-1])
    assert len(rows) == len(result.truncated) == len(texts)
    return [
        ([words[number] for number in row], bool(cut))
        for row, cut in zip(rows, result.truncated, strict=True)
    ]


def expected(tokenizer: Tokenizer, text: str) -> tuple[list[str], bool]:
    all_tokens = TOKENIZERS[tokenizer.kind](text, tokenizer.lowercase)
    return tokenizer(text) or ["<unk>"], len(all_tokens) > tokenizer.max_length


@given(tokenizers, chunks, st.integers(1, 20), st.sampled_from([0, 1000, encoding.MOST_BYTES]))
def test_texts_become_what_the_tokenizer_makes_of_them(
    tokenizer: Tokenizer, chunks: list[list[str]], bits: int, most_bytes: int
) -> None:
    words: list[str] = []
    with (
        mock.patch.object(encoding, "PieceTable", partial(PieceTable, bits)),
        mock.patch.object(encoding, "MOST_BYTES", most_bytes),
    ):
        encoder = Encoder(tokenizer)
        for texts in chunks:
            assert encoded(encoder, words, texts) == [expected(tokenizer, text) for text in texts]


def test_words_are_numbered_in_one_go_through_all_chunks() -> None:
    encoder = Encoder(Tokenizer("word", lowercase=True, max_length=9, truncate="head"))
    first = encoder(Texts.of(["good film", "", "good naïve film—"]))
    assert set(first.words) == {"good", "film", "<unk>", "naïve", "—"}
    second = encoder(Texts.of(["a film"]))
    assert second.words == ["a"]
    assert second.numbers.tolist() == [5, first.words.index("film")]
    assert encoder(Texts.of(["a film"])).words == []


def test_words_are_forgotten_when_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MOST_BYTES", 100_000)
    encoder = Encoder(Tokenizer("word", lowercase=True, max_length=400, truncate="middle"))
    answers = [encoder(Texts.of([f"the plot of é{chunk} and {'x' * 20_000}{chunk}"])) for chunk in range(20)]
    assert [number for number, answer in enumerate(answers) if answer.first == 0] == [0, 5, 10, 15]
    assert all(("the" in answer.words) == (answer.first == 0) for answer in answers)
    assert encoder._memory < 110_000


def test_the_memory_of_words_is_about_what_is_said() -> None:
    tracemalloc.start()
    numbering = encoding.Numbering()
    for number in range(100_000):
        numbering[f"word{number}"]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.7 < encoding.memory(list(numbering)) / taken < 1.3


@pytest.mark.parametrize("bits", [1, 20])
def test_what_is_remembered_is_not_tokenized(bits: int) -> None:
    tokenizer = Tokenizer("word", lowercase=True, max_length=400, truncate="middle")
    with mock.patch.object(encoding, "PieceTable", return_value=PieceTable(bits)):
        encoder = Encoder(tokenizer)
    texts = Texts.of(["the plot is naïve… the Plot, in short, is “thin”"])
    once = encoder(texts)
    with mock.patch.dict(TOKENIZERS, word=mock.Mock(wraps=TOKENIZERS["word"])):
        again = encoder(texts)
        asked = "".join(call.args[0] for call in TOKENIZERS["word"].mock_calls)
    assert (len(asked) == 0) == (bits == 20)
    assert (again.numbers == once.numbers).all()


def test_what_is_remembered_is_bounded() -> None:
    """Texts without spaces are not kept, and of other pieces no more than some."""
    encoder = Encoder(Tokenizer("word", lowercase=True, max_length=400, truncate="middle"))
    long = ["映画" * length for length in range(100, 300)]
    short = [f"é{number}—" for number in range(encoding._KNOWN + 100)]
    assert len(encoder(Texts.of([*long, *short])).words) == len(short) + 3  # 映, 画 and —
    assert encoder._known.cache_info().currsize == encoding._KNOWN


def test_an_encoder_is_let_go_at_once() -> None:
    """Not when Python next looks for cycles: it may hold millions of words."""
    encoder = Encoder(Tokenizer("word", lowercase=True, max_length=400, truncate="middle"))
    encoder(Texts.of(["a naïve plot"]))
    gone = weakref.ref(encoder)
    del encoder
    assert gone() is None
