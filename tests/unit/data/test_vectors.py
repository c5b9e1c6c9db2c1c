"""Files of word vectors: read back in every form, and refused with the place where they are damaged."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.vectors import (
    BY_PARTS,
    EXACT,
    LOWER,
    MISSING,
    OTHER_CASE,
    dimension,
    extra_words,
    require_room,
    rows,
    wanted_rows,
)
from seqtrain.errors import DataError, UsageError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import Vocabulary

FORMS = ["glove", "word2vec", "fasttext"]
TOKENIZER = Tokenizer("word", lowercase=True, max_length=400, truncate="middle")
CASED = Tokenizer("word", lowercase=False, max_length=400, truncate="middle")

words = st.one_of(
    st.sampled_from(
        [". . .", "to name@domain.com", "Paris", "paris", "7", "naïve", "映画", "\x85", "\u3000", "nan"]
    ),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\n\r \ufeff"), min_size=1, max_size=5
    ),
)
numbers = st.floats(-1e6, 1e6, width=32)


def tables(width: int) -> st.SearchStrategy[list[tuple[str, list[float]]]]:
    row = st.tuples(words, st.lists(numbers, min_size=width, max_size=width))
    return st.lists(row, min_size=1, max_size=8, unique_by=lambda row: row[0])


def content(table: list[tuple[str, list[float]]], form: str) -> bytes:
    end = " \n" if form == "fasttext" else "\n"
    lines = "".join(" ".join([word, *map(repr, vector)]) + end for word, vector in table)
    header = "" if form == "glove" else f"{len(table)} {len(table[0][1])}\n"
    return (header + lines).encode()


def write(path: Path, data: bytes | str) -> Path:
    data = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


@given(st.integers(2, 4).flatmap(tables), st.sampled_from(FORMS), st.sampled_from(["v.txt", "v.txt.gz"]))
def test_every_word_is_read_back_with_its_vector(tmp_path_factory, table, form, name):
    # The first word shows how long vectors are, and so has no space where no first line says it.
    table = [("the", [0.5] * len(table[0][1])), *[row for row in table if row[0] != "the"]]
    path = write(tmp_path_factory.getbasetemp() / name, content(table, form))
    assert dimension(path) == len(table[0][1])
    assert [row.word for row in rows(path)] == [word for word, _ in table]
    known = [word for word, _ in table]
    found = wanted_rows(path, [*known[::-1], "nowhere to be found"])
    expected = [vector for _, vector in table][::-1] + [[0.0] * len(table[0][1])]
    np.testing.assert_array_equal(found.table, np.array(expected, np.float32))
    assert found.likeness.tolist() == [EXACT] * len(table) + [MISSING]


def gets(path, token, value, likeness):
    """Beside a word that the file, of vectors of one number, does not have."""
    found = wanted_rows(path, ["other", token])
    assert found.table[:, 0].tolist() == [0, value]
    assert found.likeness.tolist() == [MISSING, likeness]


@pytest.mark.parametrize(
    ("file", "token", "value", "likeness"),
    [
        ("paris 1\nParis 2\n", "Paris", 2, EXACT),
        ("Paris 1\nparis 2\n", "paris", 2, EXACT),
        ("paris 1\nPARIS 2\n", "Paris", 1, LOWER),
        ("PARIS 1\nparis 2\n", "Paris", 2, LOWER),
        ("Paris 1\nPARIS 2\n", "paris", 1, OTHER_CASE),
        ("paris 1\nparis 2\n", "paris", 1, EXACT),
        ("Élan 1\n", "élan", 1, OTHER_CASE),
        ("pari 1\n", "paris", 0, MISSING),
    ],
)
def test_the_word_itself_comes_before_its_lower_case_and_any_other(tmp_path, file, token, value, likeness):
    gets(write(tmp_path / "v.txt", file), token, value, likeness)


def test_one_row_may_be_that_of_several_tokens(tmp_path):
    found = wanted_rows(write(tmp_path / "v.txt", "paris 1 2\n"), ["Paris", "paris", "PARIS"])
    assert found.table.tolist() == [[1, 2]] * 3
    assert found.likeness.tolist() == [LOWER, EXACT, LOWER]


@pytest.mark.parametrize(
    ("file", "token", "value", "likeness"),
    [
        ("does 1\nn't 3\n", "doesn't", 2, BY_PARTS),
        ("n't 3\nca 1\n", "can't", 2, BY_PARTS),
        ("film 1\n's 2\n", "film's", 1.5, BY_PARTS),
        ("they 1\n'll 3\nthey' 9\nll 9\n", "they'll", 2, BY_PARTS),
        ("stalk'n 1\n'slash 3\nstalk 9\n", "stalk'n'slash", 2, BY_PARTS),
        ("does 1\nn't 3\n", "DOESN'T", 2, BY_PARTS),
        ("Does 1\nN'T 3\n", "doesn't", 2, BY_PARTS),
        ("Does 9\ndoes 1\nn't 3\n", "doesn't", 2, BY_PARTS),
        ("does 3e38\nn't 3e38\n", "doesn't", np.float32(3e38), BY_PARTS),
        ("does 1\nn't 3\ndoesn't 7\n", "doesn't", 7, EXACT),
        ("doesn't 7\ndoes 1\nn't 3\n", "doesn't", 7, EXACT),
        ("does 1\nn't 3\ndoesn't 7\n", "Doesn't", 7, LOWER),
        ("does 1\nn't 3\nDoesn't 7\n", "doesn't", 7, OTHER_CASE),
        ("does 1\n", "doesn't", 0, MISSING),
        ("n't 3\n", "doesn't", 0, MISSING),
        ("doesn 1\n't 3\n", "doesn't", 0, MISSING),
        ("would 1\nn't 3\n've 5\n", "wouldn't've", 0, MISSING),
        ("dogs 1\n' 3\ntis 5\n", "dogs'", 0, MISSING),
        ("dogs 1\n' 3\ntis 5\n", "'tis", 0, MISSING),
    ],
)
def test_a_contraction_that_is_not_there_is_the_mean_of_its_parts(tmp_path, file, token, value, likeness):
    gets(write(tmp_path / "v.txt", file), token, value, likeness)


contracted = st.text("antANT'", min_size=1, max_size=6)


def by_the_rule(table: dict[str, float], token: str) -> tuple[float, int]:
    """The number of a token and its likeness, as docs/vectors.md states it, with all of the file at hand."""
    for word, likeness in [(token, EXACT), (token.lower(), LOWER)]:
        if word in table:
            return table[word], likeness
    others = [number for word, number in table.items() if word.lower() == token.lower()]
    if others:
        return others[0], OTHER_CASE
    cut = len(token) - 3 if token.lower().endswith("n't") and len(token) > 3 else token.rfind("'")
    if 0 < cut < len(token) - 1:
        parts = [by_the_rule(table, part) for part in (token[:cut], token[cut:])]
        if all(likeness > BY_PARTS for _, likeness in parts):
            return sum(number for number, _ in parts) / 2, BY_PARTS
    return 0, MISSING


@given(st.dictionaries(contracted, st.integers(-99, 99), min_size=1, max_size=30), st.lists(contracted))
def test_contractions_are_found_as_the_rule_has_it(tmp_path_factory, table, tokens):
    text = "".join(f"{word} {number}\n" for word, number in table.items())
    found = wanted_rows(write(tmp_path_factory.getbasetemp() / "rule.txt", text), tokens)
    assert [*zip(found.table[:, 0], found.likeness, strict=True)] == [
        by_the_rule(table, each) for each in tokens
    ]


@given(
    st.lists(numbers, min_size=4, max_size=4), st.permutations(["film", "'s", "is", "n't", "film's", "isn't"])
)
def test_contractions_leave_the_vectors_of_other_words_alone(tmp_path_factory, vectors, order):
    path = tmp_path_factory.getbasetemp() / "alone.txt"
    write(path, "".join(f"{word} {number!r}\n" for word, number in zip(order[:4], vectors, strict=True)))
    others = [word for word in order if word in ("film", "'s", "is", "n't")]
    alone, together = wanted_rows(path, others), wanted_rows(path, order)
    places = [order.index(word) for word in others]
    assert together.table[places].tobytes() == alone.table.tobytes()
    assert together.likeness[places].tolist() == alone.likeness.tolist()


def known(*tokens: str) -> Vocabulary:
    return Vocabulary(["<pad>", "<unk>", *tokens], [0] * (len(tokens) + 2))


FREQUENT = (
    "the 1\n, 1\n<unk> 1\nParis 1\nparis 1\nto name@domain.com 1\nit's 1\nn't 1\nU.S. 1\nPARIS 1\nnaïve 1\n"
)


@pytest.mark.parametrize(
    ("tokenizer", "limit", "expected"),
    [
        (TOKENIZER, 9, ["the", "paris", "it's", "n't", "naïve"]),
        (TOKENIZER, 2, ["the", "paris"]),
        (TOKENIZER, 0, []),
        (CASED, 9, ["the", "Paris", "paris", "it's", "n't", "PARIS", "naïve"]),
        (Tokenizer("whitespace", False, 400, "head"), 5, ["the", "Paris", "paris", "it's", "n't"]),
        (Tokenizer("char", True, 400, "head"), 9, []),
    ],
)
def test_further_words_are_the_first_that_the_tokenizer_leaves_whole(tmp_path, tokenizer, limit, expected):
    path = write(tmp_path / "v.txt", FREQUENT)
    assert extra_words(known(","), path, tokenizer, limit) == expected


@given(st.integers(1, 3).flatmap(tables), st.booleans())
def test_every_further_word_can_come_from_a_text_and_has_a_vector(tmp_path_factory, table, lowercase):
    path = write(tmp_path_factory.getbasetemp() / "further.txt", content(table, "word2vec"))
    tokenizer = Tokenizer("word", lowercase, 400, "middle")
    extra = extra_words(known("paris"), path, tokenizer, 5)
    assert [tokenizer(word) for word in extra] == [[word] for word in extra]
    assert len(set(extra)) == len(extra) <= 5
    assert not set(extra) & {"paris", "<pad>", "<unk>"}
    assert wanted_rows(path, extra).likeness.all()


def test_only_as_much_is_read_as_further_words_need(tmp_path):
    path = write(tmp_path / "v.txt", "a 1\nb 2\nc\n")
    assert extra_words(known(), path, TOKENIZER, 2) == ["a", "b"]
    with pytest.raises(DataError, match=r"v\.txt:3: "):
        extra_words(known(), path, TOKENIZER, 3)


LONG = b"a 1 2\nb " + b"1" * (1 << 17) + b" 2\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", ": does not begin with a word vector"),
        (b"\n", ": does not begin with a word vector"),
        (b"pos\n", ": does not begin with a word vector"),
        (b"the\t1\t2\n", ": does not begin with a word vector"),
        (b"pos good film\n", ":1: 'good' is not a finite number"),
        (b"a 1 2\nb 1\n", ":2: has only 1 number where 2 are expected"),
        (b"a 1 2\nb 1 2 3\n", ":2: has more numbers where 2 are expected"),
        (b"a 1 2\n\nb 1 2\n", ":2: has only 0 numbers where 2 are expected"),
        (b"a 1 2\nb 1 x\n", ":2: 'x' is not a finite number"),
        (b"a 1 2\nb  2\n", ":2: '' is not a finite number"),
        (b"a 1 2\nb nan 2\n", ":2: 'nan' is not a finite number"),
        (b"a 1 2\nb 1 -inf\n", ":2: '-inf' is not a finite number"),
        (b"a 1 2\nb 1 1e39\n", ":2: '1e39' is not a finite number"),
        (b"a 1 2\nb 1 \xff\n", ":2: '\ufffd' is not a finite number"),
        (b"a 1 2\n\xff 1 2\n", ":2: has a word that is not UTF-8"),
        (b"3 2\na 1 2\nb 1 2\n", ": has 2 words, but its first line says 3"),
        (b"1 2\na 1 2\nb 1 2\n", ": has 2 words, but its first line says 1"),
        (b"2 3\na 1 2\nb 1 2\n", ":2: has only 2 numbers where 3 are expected"),
        (b"2 1\na 1 2\nb 1 2\n", ":2: has more numbers where 1 is expected"),
        (b"2 2\n", ": has 0 words, but its first line says 2"),
        (b"2 2\na 1 2\n", ": has 1 word, but its first line says 2"),
        (LONG, ":2: has more than 131,072 bytes"),
        (LONG[6:], ": does not begin with a word vector"),
        (b"\xff\xfea\x00", ": is UTF-16, not UTF-8"),
        (gzip.compress(b"a 1 2\n"), ": is gzip data"),
    ],
)
def test_damage_is_told_with_its_place(tmp_path, data, message):
    path = write(tmp_path / "v.txt", data)
    with pytest.raises(DataError) as caught:
        wanted_rows(path, ["a", "b"])
    told, _, advice = str(caught.value).partition("\n")
    assert told == f"{path}{message}"
    assert advice.strip()


def test_numbers_that_nobody_asked_for_are_not_looked_at(tmp_path):
    """They do no harm, and to look at all of them would take most of the time."""
    assert wanted_rows(write(tmp_path / "v.txt", "a 1 2\nb 1 x\n"), ["a"]).table.tolist() == [[1, 2]]


def test_a_file_that_is_cut_off_or_missing(tmp_path):
    whole = gzip.compress(content([(f"w{number}", [0.5, number]) for number in range(1000)], "glove"))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.gz: damaged gzip data"):
        wanted_rows(tmp_path / "cut.gz", ["w1"])
    with pytest.raises(DataError, match=r"none\.txt: cannot be read"):
        dimension(tmp_path / "none.txt")


def refusal(path: Path, size: int = 2) -> str:
    with pytest.raises(DataError) as caught:
        require_room(path, size)
    return str(caught.value)


def test_a_file_that_cannot_be_used_is_told_with_its_key(tmp_path):
    path = write(tmp_path / "glove.txt", "film\n")
    assert refusal(tmp_path / "glvoe.txt") == (
        f"model.vectors: {tmp_path}/glvoe.txt: no such file\n  Did you mean '{path}'?"
    )
    assert refusal(tmp_path).startswith(f"model.vectors: {tmp_path}: is a folder\n")
    assert refusal(path).startswith(f"model.vectors: {path}: does not begin with a word vector\n")
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith(f"model.vectors: {tmp_path}/pipe: is no regular file\n")


def test_a_file_that_may_not_be_read_is_told_with_its_key(tmp_path, monkeypatch):
    path = write(tmp_path / "v.txt", "film 1 2\n")

    def denied(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    assert refusal(path) == f"model.vectors: {path}: cannot be read: Permission denied"


def test_longer_vectors_than_the_embeddings_are_refused(tmp_path):
    path = write(tmp_path / "v.txt", "film 1 2\n")
    require_room(path, 2)
    require_room(path, 3)
    with pytest.raises(UsageError) as caught:
        require_room(path, 1)
    assert str(caught.value) == (
        f"model.vectors: {path} has 2 numbers a word, but model.embedding_size is 1\n"
        "  Set model.embedding_size to 2, or more."
    )


def peak(path: Path, tokens: list[str]) -> int:
    tracemalloc.start()
    wanted_rows(path, tokens)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return memory


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    tokens = [f"w{number}{ending}" for number in range(100) for ending in ("", "n't", "'s")]
    peaks = []
    for count in (100, 1_000, 20_000):  # the first fills caches
        path = write(tmp_path / name, "".join(f"w{number}{' 0.125' * 50}\n" for number in range(count)))
        peaks.append(peak(path, tokens))
    assert (peaks[2] - peaks[1]) / 19_000 < 1  # bytes a row; its text has 300 and its vector 200


def test_planted_fault_a_reader_that_keeps_every_row_would_be_seen(tmp_path):
    tokens = [f"w{number}" for number in range(2_000)]
    path = write(tmp_path / "v.txt", "".join(f"{token}{' 0.125' * 50}\n" for token in tokens))
    assert peak(path, tokens) - peak(path, tokens[:10]) > 2_000 * 200


def test_an_endless_line_is_never_in_memory(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a 1 2\nb 1 2")
        for _ in range(32):
            file.write(b"0" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bomb\.gz:2: has more than 131,072 bytes"):
        wanted_rows(path, ["a"])
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
