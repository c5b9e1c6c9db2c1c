"""Vocabularies: which tokens get which ids, and the file that keeps them."""

from __future__ import annotations

import doctest
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.errors import RunError, UsageError
from seqtrain.text import vocabulary
from seqtrain.text.tokenizer import TOKENIZERS
from seqtrain.text.vocabulary import PAD, UNK, Vocabulary
from tests.unit.text.reference import texts

counts = st.dictionaries(
    st.sampled_from(["a", "b", "c", "é", "中", "😀", "<pad>", "<unk>"]), st.integers(1, 5)
)


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(vocabulary) == doctest.TestResults(failed=0, attempted=3)


def test_frequent_tokens_come_first_and_ties_in_code_point_order():
    found = Vocabulary.from_counts({"b": 2, "é": 2, "Z": 2, "a": 2, "😀": 2, "\uffe6": 2, "top": 9}, 1, 100)
    assert found.tokens == ["<pad>", "<unk>", "top", "Z", "a", "b", "é", "\uffe6", "😀"]


@pytest.mark.parametrize(
    ("min_count", "max_size", "expected"),
    [
        (1, 100, [("<pad>", 0), ("<unk>", 0), ("a", 5), ("b", 3), ("c", 1)]),
        (2, 100, [("<pad>", 0), ("<unk>", 1), ("a", 5), ("b", 3)]),
        (1, 4, [("<pad>", 0), ("<unk>", 1), ("a", 5), ("b", 3)]),
        (4, 3, [("<pad>", 0), ("<unk>", 4), ("a", 5)]),
        (9, 100, [("<pad>", 0), ("<unk>", 9)]),
        (1, 2, [("<pad>", 0), ("<unk>", 9)]),
    ],
)
def test_what_is_left_out_counts_as_unknown(min_count, max_size, expected):
    found = Vocabulary.from_counts([("c", 1), ("a", 5), ("b", 3)], min_count, max_size)
    assert list(zip(found.tokens, found.counts, strict=True)) == expected


def test_special_entries_in_a_text_are_unknown_words():
    found = Vocabulary.from_counts({"<unk>": 5, "<pad>": 1, "a": 2}, 1, 10)
    assert found == Vocabulary(["<pad>", "<unk>", "a"], [0, 6, 2])


def test_coverage_is_the_share_of_known_words():
    assert Vocabulary.from_counts({"a": 6, "b": 1, "c": 1}, 2, 10).coverage == 0.75
    assert Vocabulary.from_counts({}, 1, 10).coverage == 1


def test_a_size_without_room_for_the_special_entries_is_refused():
    with pytest.raises(UsageError) as error:
        Vocabulary.from_counts({"a": 1}, 1, 1)
    assert str(error.value) == "a vocabulary of max_size 1 has no room for <pad> and <unk>"


@given(counts=counts, min_count=st.integers(1, 5), max_size=st.integers(2, 9))
def test_no_occurrence_gets_lost(counts, min_count, max_size):
    found = Vocabulary.from_counts(counts, min_count, max_size)
    assert sum(found.counts) == sum(counts.values())
    assert 2 <= len(found) <= max_size
    assert len(set(found.tokens)) == len(found)


@given(counts=counts)
def test_the_order_of_counting_does_not_matter(counts):
    shuffled = dict(reversed(counts.items()))
    assert Vocabulary.from_counts(counts, 1, 5) == Vocabulary.from_counts(shuffled, 1, 5)


def test_ids():
    known = Vocabulary(["<pad>", "<unk>", "a", "b"], [0, 0, 1, 1])
    assert len(known) == 4
    assert known.encode(["b", "a", "zest", "b"]) == [3, 2, UNK, 3]
    assert known.encode([]) == [UNK]
    assert known.encode(["<pad>", "<unk>"]) == [UNK, UNK]


@given(counts=counts, tokens=st.lists(st.sampled_from(["a", "b", "zest", "<pad>", "<unk>"])))
def test_a_text_never_becomes_padding(counts, tokens):
    token_ids = Vocabulary.from_counts(counts, 1, 6).encode(tokens)
    assert len(token_ids) == max(1, len(tokens))
    assert PAD not in token_ids


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.text(st.characters()) | texts, lowercase=st.booleans())
def test_the_vocabulary_of_any_text_survives_its_file(kind, text, lowercase, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"{kind}.tsv"
    original = Vocabulary.from_counts(Counter(TOKENIZERS[kind](text, lowercase)), 1, 1000)
    original.save(path)
    assert Vocabulary.load(path) == original
    assert path.read_bytes().count(b"\n") == len(original)


def test_the_file_has_a_token_and_its_count_in_each_line(tmp_path):
    Vocabulary.from_counts({"é": 2, " ": 7}, 1, 10).save(tmp_path / "vocabulary.tsv")
    assert (tmp_path / "vocabulary.tsv").read_bytes() == "<pad>\t0\n<unk>\t0\n \t7\né\t2\n".encode()


HEAD = "<pad>\t0\n<unk>\t5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "v.tsv: not a vocabulary: <pad> and <unk> are missing"),
        ("<pad>\t0\n", "v.tsv: not a vocabulary: <pad> and <unk> are missing"),
        ("a\t3\n", "v.tsv:1: not a vocabulary: the token is 'a', but the one of id 0 is '<pad>'"),
        ("<pad>\t0\na\t3\n", "v.tsv:2: not a vocabulary: the token is 'a', but the one of id 1 is '<unk>'"),
        (HEAD + "a\t3", "v.tsv:3: the vocabulary is cut off in the middle of a line"),
        (HEAD + "a\n", "v.tsv:3: not a vocabulary: '' after the tab is not a count"),
        (HEAD + "a\t3\tb\n", "v.tsv:3: not a vocabulary: '3\\tb' after the tab is not a count"),
        (HEAD + "a\t-3\n", "v.tsv:3: not a vocabulary: '-3' after the tab is not a count"),
        (HEAD + "a\t٣\n", "v.tsv:3: not a vocabulary: '٣' after the tab is not a count"),
        (HEAD + "a\t3\r\n", "v.tsv:3: not a vocabulary: '3\\r' after the tab is not a count"),
        (HEAD + "\t3\n", "v.tsv:3: not a vocabulary: the token is empty"),
        (HEAD + "\n", "v.tsv:3: not a vocabulary: the token is empty"),
        (HEAD + "a\t3\na\t2\n", "v.tsv:4: not a vocabulary: the token 'a' is there twice"),
        (HEAD + "<pad>\t3\n", "v.tsv:3: not a vocabulary: the token '<pad>' is there twice"),
    ],
)
def test_a_damaged_file_is_refused(text, message):
    with pytest.raises(RunError) as error:
        Vocabulary.from_tsv(text, "v.tsv")
    assert str(error.value) == message


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    latin = tmp_path / "latin.tsv"
    latin.write_bytes(HEAD.encode() + b"\xe9\t3\n")
    for path in (latin, tmp_path / "missing.tsv", tmp_path):
        with pytest.raises(RunError, match="the vocabulary cannot be read") as error:
            Vocabulary.load(path)
        assert str(error.value).startswith(f"{path}: ")
