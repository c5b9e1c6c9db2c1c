"""The tokens and ids of the graph against those of the tokenizer and the vocabulary."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqtrain.export import text_graph
from seqtrain.export.text_graph import TextGraph, truncated
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer, truncate, word_rule
from seqtrain.text.vocabulary import SPECIAL, Vocabulary
from tests.unit.text.reference import texts

TOKENS = ["a", "z", "é", "'", "the", "don't", "我", " ", "हिन्दी", "i\u0307", "a\u0301b"]
VOCABULARY = Vocabulary([*SPECIAL, *TOKENS], [0] * (len(SPECIAL) + len(TOKENS)))
WHOLE = 10**9  # a length that no text has

kinds = pytest.mark.parametrize("kind", TOKENIZERS)
cases = pytest.mark.parametrize("lowercase", [True, False])
# Fragments of UTF-8, among them too long forms, surrogates, and code points beyond the last.
fragments = b"a \x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xee\xef\xf0\xf1\xf4\xf5\xff"
malformed = st.lists(st.sampled_from(fragments), max_size=9).map(bytes)
some_bytes = texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | malformed | st.binary()
batches = st.lists(some_bytes, min_size=1, max_size=20)
LANGUAGES = (
    "Don’t! \u00b4a\u00b4b rock'n'roll 我喜欢2024年。 हिन्दी ΣΊ İst ﷺ\u3000☺️👩🏽\0x\xad\u200by <pad> <unk>"
)


@cache
def graph(kind: str, lowercase: bool, max_length: int = WHOLE, how: str = "head") -> TextGraph:
    return TextGraph(Tokenizer(kind, lowercase, max_length, how), VOCABULARY.tokens)


def decoded(batch: list[bytes]) -> list[str]:
    return [text.decode("utf-8", "replace") for text in batch]


def tokens(made: TextGraph, batch: list[bytes]) -> list[list[str]]:
    return [[token.decode("utf-8") for token in row] for row in made.tokens(tf.constant(batch)).to_list()]


@kinds
@cases
@settings(max_examples=25)
@given(batch=batches)
@example(
    batch=[LANGUAGES.encode(), b"", b"\0", b"\xed\xa0\x80\xf0\x80\x80\xe2\x82(\xf4\x90\x80\x80\xc0\xaf\xff"]
)
def test_tokens_are_those_of_the_tokenizer(kind, lowercase, batch):
    tokenize = Tokenizer(kind, lowercase, WHOLE, "head")
    assert tokens(graph(kind, lowercase), batch) == [tokenize(text) for text in decoded(batch)]


@kinds
def test_every_code_point_of_the_tables_and_next_to_them_is_treated_as_by_the_tokenizer(kind):
    rule = json.loads(word_rule())
    ends = rule["W"] + rule["M"] + rule["Z"]
    beside = {chr(max(0, ord(end) + step)) for end in ends for step in (-1, 0, 1)}
    characters = sorted({*beside, *rule["replace"], *rule["lower"]})
    batch = [f"a{character}'B".encode("utf-8", "surrogatepass") for character in characters]
    assert len(batch) > 9000
    found = tf.strings.reduce_join(graph(kind, True).tokens(tf.constant(batch)), axis=-1, separator="\t")
    tokenize = Tokenizer(kind, True, WHOLE, "head")
    expected = ["\t".join(tokenize(text)).encode() for text in decoded(batch)]
    assert [pair for pair in zip(found.numpy().tolist(), expected, strict=True) if pair[0] != pair[1]] == []


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=9),
    st.integers(1, 12),
    st.sampled_from(list(TRUNCATIONS)),
)
@example([0, 1, 6, 7, 8, 20], 7, "middle")
def test_texts_are_cut_as_by_the_tokenizer(lengths, max_length, how):
    rows = [[str(number) for number in range(length)] for length in lengths]
    found = truncated(tf.ragged.constant(rows, tf.string, ragged_rank=1), max_length, how).to_list()
    assert found == [[token.encode() for token in truncate(row, max_length, how)] for row in rows]


def has_the_ids_of_the_vocabulary(kind: str, how: str, batch: list[bytes]) -> None:
    """Each text's ids, as many as its length says; more would be padding, which may be anything."""
    tokenize = Tokenizer(kind, True, 5, how)
    expected = [VOCABULARY.encode(tokenize(text)) for text in decoded(batch)]
    token_ids, lengths = (tensor.numpy() for tensor in graph(kind, True, 5, how)(tf.constant(batch)))
    assert (token_ids.dtype, lengths.dtype) == (np.int32, np.int32)
    assert token_ids.shape == (len(batch), lengths.max())
    assert [row[:length].tolist() for row, length in zip(token_ids, lengths, strict=True)] == expected


@kinds
@settings(max_examples=20)
@given(how=st.sampled_from(list(TRUNCATIONS)), batch=batches)
@example(how="head", batch=[b"<pad>", b"<unk> a", b"", b" ", LANGUAGES.encode()])
def test_ids_are_those_of_the_vocabulary(kind, how, batch):
    has_the_ids_of_the_vocabulary(kind, how, batch)


@kinds
def test_there_may_be_no_texts(kind):
    token_ids, lengths = graph(kind, True)(tf.constant([], tf.string))
    assert (token_ids.shape, lengths.shape) == ((0, 1), (0,))


# Planted faults: each is what a careless graph might do, and must turn the law red.

_replacements = text_graph.replacements


def cut_where_a_code_point_becomes_a_space(monkeypatch):
    monkeypatch.setattr(text_graph, "replacements", lambda _, lowercase: _replacements("word", lowercase))


def lower_case_of_the_operator(monkeypatch):
    monkeypatch.setattr(text_graph, "replacements", lambda kind, _: _replacements(kind, False))
    monkeypatch.setitem(
        text_graph.CUTS, "char", lambda text: tf.strings.unicode_split(tf.strings.lower(text), "UTF-8")
    )


def the_end_gives_the_start_one_more(monkeypatch):
    monkeypatch.setitem(text_graph.STARTS, "middle", lambda most: most // 2)


def padding_is_a_word(monkeypatch):
    monkeypatch.setattr(text_graph, "UNK", 0)


@pytest.mark.parametrize(
    ("fault", "kind", "how", "text"),
    [
        (cut_where_a_code_point_becomes_a_space, "whitespace", "head", "a´b"),
        (lower_case_of_the_operator, "char", "head", "É"),
        (the_end_gives_the_start_one_more, "char", "middle", "azzéaz"),
        (padding_is_a_word, "whitespace", "head", "<pad>"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_planted_fault_breaks_the_law(monkeypatch, fault, kind, how, text):
    batch = [text.encode()]
    graph.cache_clear()
    has_the_ids_of_the_vocabulary(kind, how, batch)
    graph.cache_clear()
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        has_the_ids_of_the_vocabulary(kind, how, batch)
    graph.cache_clear()
