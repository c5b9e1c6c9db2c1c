"""Cuts against the tokenizer: nothing that it sees as one token, or looks at together, may be cut apart."""

from __future__ import annotations

from itertools import product
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data import pieces
from seqtrain.data.encoding import Texts
from seqtrain.data.piece_table import LONGEST
from seqtrain.data.pieces import CUTS, SEPARATOR
from seqtrain.text.tokenizer import TOKENIZERS

KINDS = st.sampled_from(sorted(TOKENIZERS))
# One of each sort that a rule or a cut tells apart, and what maps to several characters or to none.
ODD = "aZ9'-, \t\n\x00\x7f\x85é\u0301\u00ad’´ßİ中ー\u200b\u200d\u00a0\u3000\u0e01\ue000\U0001d49c\U0001f600\ud800"
odd_texts = st.one_of(st.text(ODD, max_size=12), st.text(max_size=12))


def pieces_of(texts: list[str], kind: str) -> list[list[str]]:
    """The pieces of each text."""
    chunk = Texts.of(texts)
    padded = chunk.utf8 + SEPARATOR * LONGEST
    cut = CUTS[kind].pieces(padded, chunk.ends)
    rows = np.searchsorted(cut.starts, chunk.ends)
    found = [piece.decode("utf-8", "surrogatepass") for piece in cut.of(padded)]
    return [found[start:stop] for start, stop in zip([0, *rows[:-1]], rows, strict=True)]


def tokens_of(texts: list[str], kind: str, lowercase: bool = False) -> list[str]:
    return [token for text in texts for token in TOKENIZERS[kind](text, lowercase)]


def test_every_tokenizer_has_a_cut() -> None:
    assert CUTS.keys() == TOKENIZERS.keys()


@given(st.lists(odd_texts, min_size=1, max_size=4), KINDS, st.booleans())
def test_the_tokens_of_the_pieces_are_those_of_the_text(texts: list[str], kind: str, lowercase: bool) -> None:
    for text, cut in zip(texts, pieces_of(texts, kind), strict=True):
        assert tokens_of(cut, kind, lowercase) == tokens_of([text], kind, lowercase)


@pytest.mark.parametrize("kind", sorted(TOKENIZERS))
def test_whatever_stands_side_by_side(kind: str) -> None:
    texts = list(map("".join, product(ODD, repeat=3))) + list(
        map("".join, product("aZ'-, é\u0301", repeat=5))
    )
    for text, cut in zip(texts, pieces_of(texts, kind), strict=True):
        assert tokens_of(cut, kind) == tokens_of([text], kind), repr(text)


def test_white_space_of_any_script_is_not_lost() -> None:
    """Those beyond ASCII stay in a piece, and the tokenizer separates there."""
    assert pieces_of(["a\u3000b c\u00a0d"], "word") == [["a\u3000b", "c\u00a0d"]]


@given(st.text(st.characters(max_codepoint=127)), KINDS)
def test_a_piece_of_ascii_is_one_token(text: str, kind: str) -> None:
    cut, between = pieces_of([text], kind)[0], CUTS[kind].between.decode()
    each = [tokens_of([piece], kind) for piece in cut]
    assert all(len(tokens) == 1 for tokens in each)
    assert tokens_of(["".join(piece + between for piece in cut)], kind) == [token for (token,) in each]


def test_words_are_cut_as_finely_as_can_be() -> None:
    text = "It's 'so-so', naïve… (ça) don’t"
    assert pieces_of([text], "word") == [
        ["It's", "'", "so", "-", "so", "'", ",", "naïve…", "(ça", ")", "don’t"]
    ]


LETTER, SIGN = pieces._KINDS[ord("a")], pieces._KINDS[ord(",")]
FAULTS = {
    "an apostrophe is a sign": (b"'", SIGN, "don't"),
    "what is beyond ASCII is a letter": (bytes(range(0x80, 0x100)), LETTER, "a,\u0301"),
    "a hyphen separates": (b"-", pieces._KINDS[ord(" ")], "so-so"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(fault: str) -> None:
    """The laws above would see it."""
    characters, kind, text = FAULTS[fault]
    faulty = bytes(kind if byte in characters else known for byte, known in enumerate(pieces._KINDS))
    assert tokens_of(pieces_of([text], "word")[0], "word") == tokens_of([text], "word")
    with mock.patch.object(pieces, "_KINDS", faulty):
        assert tokens_of(pieces_of([text], "word")[0], "word") != tokens_of([text], "word")
