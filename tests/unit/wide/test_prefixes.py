"""Prefixes as features: those that words begin with, counted by distinct word, and folded into the words in the end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from seqtrain.wide import prefixes as module
from seqtrain.wide.prefixes import folded, with_prefixes, word_prefixes

TOKENS = ["<pad>", "<unk>", "charm", "charming", "char", "ab", "日本語学"]
words = st.lists(st.text("abc", min_size=1, max_size=7), min_size=1, max_size=12, unique=True)


def oracle(tokens: list[str], longest: int) -> set[tuple[str, str]]:
    """Each word with each of its prefixes."""
    return {
        (token, token[:length])
        for token in tokens[2:]
        for length in range(3, longest + 1)
        if len(token) >= length
    }


def test_by_hand() -> None:
    """cha, char, charm, charmi of charm, charming and char; 日本語 and 日本語学; ab is too short."""
    dense = word_prefixes(TOKENS, 6).toarray()
    assert dense.sum(axis=1).tolist() == [0, 0, 1.5, 2, 1, 0, 1]
    assert sorted(dense.sum(axis=0)) == [0.5, 0.5, 0.5, 1, 1.5, 1.5]


@given(tokens=words, longest=st.integers(3, 8))
def test_words_share_the_prefixes_that_the_oracle_says(tokens: list[str], longest: int) -> None:
    tokens = ["<pad>", "<unk>", *tokens]
    dense = word_prefixes(tokens, longest).toarray()
    assert np.linalg.norm(dense, axis=1).max() <= 1 + 1e-6
    expected = oracle(tokens, longest)
    shared = {
        (a, b): len({p for w, p in expected if w == a} & {p for w, p in expected if w == b})
        for a in tokens
        for b in tokens
    }
    found = (longest - 2) * dense @ dense.T
    np.testing.assert_allclose(found, [[shared[a, b] for b in tokens] for a in tokens], atol=1e-5)


def test_without_prefixes_features_and_table_stay_as_they_are() -> None:
    none = word_prefixes(TOKENS, None)
    features, table = csr_matrix(np.eye(9, dtype=np.float32)), np.arange(18, dtype=np.float32).reshape(9, 2)
    np.testing.assert_array_equal(with_prefixes(features, none).toarray(), features.toarray())
    np.testing.assert_array_equal(folded(table, none), table)


def test_a_prefix_counts_once_for_each_distinct_word_that_begins_with_it() -> None:
    features = csr_matrix(np.array([[0, 0, 1, 1, 0, 0, 0, 1]], np.float32))  # charm, charming, and a pair
    shared = word_prefixes(TOKENS, 6)
    found = with_prefixes(features, shared).toarray()[0]
    np.testing.assert_array_equal(found[:8], features.toarray()[0])
    assert sorted(found[8:]) == [0, 0, 0.5, 1, 1, 1]


def the_words_carry_what_the_prefixes_did(seed: int) -> None:
    dice = np.random.default_rng(seed)
    features = csr_matrix((dice.random((20, 12)) < 0.4).astype(np.float32))
    shared = word_prefixes(TOKENS, 6)
    table = dice.normal(size=(12 + shared.shape[1], 3)).astype(np.float32)
    before = table.copy()
    np.testing.assert_allclose(
        features @ module.folded(table, shared), with_prefixes(features, shared) @ table, atol=1e-5
    )
    np.testing.assert_array_equal(table, before)


@pytest.mark.parametrize("seed", range(3))
def test_the_words_carry_what_the_prefixes_did(seed: int) -> None:
    the_words_carry_what_the_prefixes_did(seed)


def test_planted_fault_prefixes_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "folded", lambda table, shared: table[: len(table) - shared.shape[1]])
    with pytest.raises(AssertionError):
        the_words_carry_what_the_prefixes_did(0)
