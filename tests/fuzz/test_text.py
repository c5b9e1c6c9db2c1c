"""Any text through the tokenizer, any text as a vocabulary, any JSON as a tokenizer's rule."""

from __future__ import annotations

import json
from random import Random

from fuzzing.mutation import mutated
from fuzzing.nasty import PIECES
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.errors import RunError
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer
from seqtrain.text.vocabulary import SPECIAL, Vocabulary

# Lone surrogates too: an argument of the command line may hold them.
texts = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.lists(st.sampled_from(PIECES)).map(lambda parts: b"".join(parts).decode(errors="surrogateescape")),
    st.lists(st.sampled_from([*"aZ9'’ \t\u00ad\u200b\u0301\u0130ß中がク😀\ud800\udc00\0\x1b"])).map("".join),
)
tokenizers = st.builds(
    Tokenizer,
    kind=st.sampled_from(list(TOKENIZERS)),
    lowercase=st.booleans(),
    max_length=st.integers(1, 40),
    truncate=st.sampled_from(list(TRUNCATIONS)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
rules = tokenizers.map(Tokenizer.rule)
VOCABULARY = Vocabulary([*SPECIAL, "a", "é", "中", " "], [0, 9, 3, 2, 1, 1])


@settings(deadline=None, max_examples=1000)
@given(tokenizers, texts)
def test_a_text_becomes_tokens_that_any_file_can_hold(tokenizer: Tokenizer, text: str) -> None:
    tokens = tokenizer(text)
    assert len(tokens) <= tokenizer.max_length
    for token in tokens:
        assert token.encode()
        assert not set(token) & set("\t\n\r\0")
    token_ids = VOCABULARY.encode(tokens)
    assert len(token_ids) == max(1, len(tokens))
    assert all(1 <= token_id < len(VOCABULARY) for token_id in token_ids)


@settings(deadline=None, max_examples=500)
@given(
    st.one_of(
        json_values, rules, st.tuples(rules, st.text(), json_values).map(lambda r: {**r[0], r[1]: r[2]})
    )
)
def test_any_rule_makes_a_tokenizer_or_a_run_error(rule: object) -> None:
    try:
        tokenizer = Tokenizer.from_rule(rule)
    except RunError:
        return
    assert tokenizer.rule() == rule
    assert json.loads(json.dumps(rule)) == rule


@settings(deadline=None, max_examples=1000)
@given(st.integers(0, 2**32), texts)
def test_any_text_is_a_vocabulary_or_a_run_error(seed: int, text: str) -> None:
    """One that is read is written as it was."""
    spoilt = mutated(VOCABULARY.to_tsv().encode(), Random(seed)).decode(errors="replace")
    check_vocabulary(text)
    check_vocabulary(spoilt)
    check_vocabulary(VOCABULARY.to_tsv() + text)


def check_vocabulary(content: str) -> None:
    try:
        vocabulary = Vocabulary.from_tsv(content, "vocabulary.tsv")
    except RunError as error:
        message = str(error)
    else:
        assert vocabulary.to_tsv() == content
        return
    assert message.startswith("vocabulary.tsv:")
