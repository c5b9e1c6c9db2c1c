"""The nasty texts: they tell a wrong tokenizer from the right one, and the batches lose nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer
from seqtrain.verification.texts import LONGEST, nasty_texts, ragged
from tests.onnx_models import TOKENIZER, VOCABULARY

ENOUGH = 20_000  # tokens, so that none of them is cut off
kinds = pytest.mark.parametrize("kind", TOKENIZERS)


def tokenizer(
    kind: str = "word", max_length: int = ENOUGH, truncate: str = "middle", lowercase: bool = True
) -> Tokenizer:
    return Tokenizer(kind, lowercase=lowercase, max_length=max_length, truncate=truncate)


def replaced(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@kinds
@pytest.mark.parametrize("max_length", [1, 2, 7, 400])
def test_lengths_around_the_limit(kind: str, max_length: int) -> None:
    texts = nasty_texts(tokenizer(kind, max_length))
    names = ("as many tokens as are taken", "a token more than is taken", "three times as many tokens")
    counts = [len(tokenizer(kind)(replaced(texts[name]))) for name in names]
    assert counts == [max_length, max_length + 1, 3 * max_length]


def test_those_of_few_tokens() -> None:
    texts = nasty_texts(TOKENIZER)
    counts = {name: len(TOKENIZER(replaced(texts[name]))) for name in ("empty", "white space", "one token")}
    assert counts == {"empty": 0, "white space": 0, "one token": 1}


def test_each_text_is_there_once() -> None:
    texts = nasty_texts(TOKENIZER)
    assert len(set(texts.values())) == len(texts)


Tokens = Callable[[bytes], list[str]]


def whole(kind: str, change: Callable[[str], str]) -> Tokens:
    """The right tokenizer after something that has been done to the text."""
    return lambda text: tokenizer(kind)(change(replaced(text)))


def decoded(**how: str) -> Tokens:
    return lambda text: tokenizer()(text.decode(**how))


def mapped(text: bytes) -> str:
    """The whole text, each code point replaced and in lower case."""
    return "".join(tokenizer("char")(replaced(text)))


def utf16_units(text: bytes) -> list[str]:
    """As `split("")` in JavaScript."""
    units = mapped(text).encode("utf-16-le")
    pairs = [units[start : start + 2] for start in range(0, len(units), 2)]
    return [pair.decode("utf-16-le", "surrogatepass") for pair in pairs]


FAULTS: dict[str, tuple[str, Tokens]] = {
    "bytes that are not UTF-8 dropped": ("word", decoded(encoding="utf-8", errors="ignore")),
    "bytes taken for Latin-1": ("word", decoded(encoding="latin-1")),
    "each byte that is not UTF-8 on its own": (
        "char",
        lambda text: tokenizer("char")(text.decode("utf-8", "surrogateescape")),
    ),
    "cut off at NUL": ("word", whole("word", lambda text: text.partition("\0")[0])),
    "case folded": ("word", whole("word", str.casefold)),
    "lower case by Python": ("word", whole("word", str.lower)),
    "lower case of ASCII alone": (
        "word",
        lambda text: tokenizer(lowercase=False)(replaced(text.lower())),
    ),
    "composed": ("word", whole("word", lambda text: unicodedata.normalize("NFC", text))),
    "composed and replaced": ("word", whole("word", lambda text: unicodedata.normalize("NFKC", text))),
    "marks dropped": ("word", whole("word", lambda text: re.sub("[\u0300-\u036f]", "", text))),
    "variation selectors dropped": ("word", whole("word", lambda text: re.sub("[\ufe0e\ufe0f]", "", text))),
    "words by \\w": (
        "word",
        lambda text: re.findall(r"\w+(?:'\w+)*|[^\w\s]", mapped(text)),
    ),
    "split at what spaces become": (
        "whitespace",
        lambda text: mapped(text).split(),
    ),
    "UTF-16 units": ("char", utf16_units),
    "spaces stripped": ("char", whole("char", str.strip)),
}


@pytest.mark.parametrize(("kind", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_tokenizer_is_caught(kind: str, fault: Tokens) -> None:
    texts = nasty_texts(tokenizer(kind, max_length=9)).values()
    assert any(tokenizer(kind)(replaced(text)) != fault(text) for text in texts)


@kinds
@pytest.mark.parametrize("wrong", TRUNCATIONS)
@pytest.mark.parametrize("right", TRUNCATIONS)
@pytest.mark.parametrize("max_length", [1, 12, 400])
def test_a_wrong_truncation_is_caught(kind: str, wrong: str, right: str, max_length: int) -> None:
    one, other = (tokenizer(kind, max_length, truncate) for truncate in (right, wrong))
    texts = [replaced(text) for text in nasty_texts(one).values()]
    same_rule = right == wrong or (max_length == 1 and {right, wrong} == {"head", "middle"})
    assert all(one(text) == other(text) for text in texts) == same_rule


def test_special_tokens_taken_for_words_are_caught() -> None:
    right = tokenizer("whitespace")
    ids = {token: index for index, token in enumerate(VOCABULARY.tokens)}
    found = [right(replaced(text)) for text in nasty_texts(TOKENIZER).values()]
    assert any(
        VOCABULARY.encode(tokens) != [ids.get(token, 1) for token in tokens] for tokens in found if tokens
    )


@given(st.lists(st.binary(max_size=3), max_size=400))
def test_batches_have_all_texts_in_order(texts: list[bytes]) -> None:
    batches = ragged(texts)
    assert [text for batch in batches for text in batch] == texts
    assert all(batches)


def test_the_sizes_of_batches_are_mixed() -> None:
    sizes = [len(batch) for batch in ragged([b""] * 200)]
    assert sizes == [1, 64, 3, 17, 32, 2, 1, 64, 3, 13]


@pytest.mark.parametrize("kind", ["word", "whitespace", "char"])
def test_a_limit_that_means_no_limit_makes_no_endless_text(kind: str) -> None:
    texts = nasty_texts(tokenizer(kind, max_length=10**12))
    assert max(map(len, texts.values())) < 10 * 3 * LONGEST
