"""The table against a dict: it may forget, but what it finds is right."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.piece_table import LONGEST, PieceTable
from seqtrain.data.pieces import SEPARATOR, Pieces

# Many are alike in their first 8 or 16 bytes. NUL may stand alone: `char` makes a piece of it.
NAMES = [
    b"\0",
    b"a",
    b"b",
    *(start + b"a" * more for start in (b"aaaaaaa", b"bbbbbbb") for more in range(12)),
]
some_names = st.lists(st.sampled_from(NAMES), max_size=12)


def laid_out(names: list[bytes]) -> tuple[bytes, Pieces]:
    lengths = np.array([len(name) for name in names], np.int64)
    stops = np.cumsum(lengths)
    return b"".join(names) + SEPARATOR * LONGEST, Pieces(stops - lengths, stops)


def find(table: PieceTable, names: list[bytes]) -> list[int]:
    numbers = table.find(*laid_out(names))
    assert numbers.dtype == np.int32
    return numbers.tolist()


def remember(table: PieceTable, numbers: dict[bytes, int]) -> None:
    table.remember(*laid_out(list(numbers)), np.array(list(numbers.values()), np.int32))


@pytest.mark.parametrize("bits", [1, 2])
def test_no_piece_is_taken_for_another(bits: int) -> None:
    """Nearly all of them share a slot."""
    for known, wanted in product(NAMES, NAMES):
        table = PieceTable(bits)
        remember(table, {known: 7})
        assert find(table, [wanted]) == [7 if wanted == known and len(known) <= LONGEST else -1]


@given(st.lists(some_names, max_size=6), st.integers(1, 6))
def test_what_is_found_was_remembered(batches: list[list[bytes]], bits: int) -> None:
    table, numbers = PieceTable(bits), dict[bytes, int]()
    for batch in batches:
        new = {name: numbers.setdefault(name, len(numbers)) for name in batch}
        remember(table, new)
        for name, number in zip(NAMES, find(table, NAMES), strict=True):
            assert number in (-1, numbers.get(name))


@given(some_names)
def test_the_last_one_is_remembered_unless_it_is_too_long(names: list[bytes]) -> None:
    table = PieceTable(3)
    for number, name in enumerate(names):
        remember(table, {name: number})
        assert find(table, [name]) == [number if len(name) <= LONGEST else -1]


def test_an_empty_table_knows_nothing() -> None:
    assert find(PieceTable(), NAMES) == [-1] * len(NAMES)


def test_words_of_a_language_rarely_meet() -> None:
    table, words = PieceTable(), {b"word%d" % number: number for number in range(50_000)}
    remember(table, words)
    found = np.array(find(table, list(words)))
    assert np.mean(found == np.arange(50_000)) > 0.9
