"""The texts that a model is asked about: some of its user's, or made up, and the nasty ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.checks.report import counted
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import UNK
from seqtrain.verification.texts import LONGEST, nasty_texts

MOST_TEXTS = 2_000
MOST_TOKENS = 75_000  # together; with these a model of the default size takes some ten seconds
MADE_UP = 200
SEED = 1

Ids = NDArray[np.int32]
Encode = Callable[[str], Sequence[int]]
Item = TypeVar("Item")
Made = TypeVar("Made")


class Sample(NamedTuple):
    """token_ids of each text, <int32>[length], at least one; and where each text stands, for messages."""

    token_ids: Sequence[Ids]
    places: Sequence[str]

    @property
    def lengths(self) -> Ids:
        return np.array([len(text) for text in self.token_ids], np.int32)

    def plus(self, other: Sample) -> Sample:
        return Sample([*self.token_ids, *other.token_ids], [*self.places, *other.places])


def of_rows(rows: Iterable[Example | BadRow], encode: Encode, source: str) -> tuple[Sample, str]:
    """As many of the texts as can be afforded, and in words how many they are; DataError if there are none.

    source: in words, where they come from. Rows that cannot be used are passed over.
    """
    usable = (row for row in rows if isinstance(row, Example))
    texts, count = drawn(usable, lambda row: (_array(encode(row.text)), f"{row.file}:{row.line}"))
    if not texts:
        raise DataError(f"{source}: there is no text that can be used")
    kept = affordable(Sample([token_ids for token_ids, _ in texts], [place for _, place in texts]))
    drawn_of = f"{len(kept.places):,} of " if len(kept.places) < count else ""
    return kept, f"{drawn_of}{counted(count, 'text')}: {source}"


def nasty(tokenizer: Tokenizer, encode: Encode) -> Sample:
    """The fixed set of texts that have broken programs before."""
    texts = nasty_texts(tokenizer)
    token_ids = [_array(encode(text.decode(errors="replace"))) for text in texts.values()]
    return Sample(token_ids, [f"nasty text {name!r}" for name in texts])


def _array(token_ids: Sequence[int]) -> Ids:
    return np.array(token_ids, np.int32)


def made_up(words: int, max_length: int) -> tuple[Sample, str]:
    """Texts of 1 to max_length tokens (at most `LONGEST`), most of them short: random ones, the same each time."""
    random = np.random.default_rng(SEED)
    lengths = np.geomspace(1, min(max_length, LONGEST), MADE_UP).round().astype(int)
    token_ids = [random.integers(UNK, words, length, np.int32) for length in lengths]
    places = [f"made-up text of {counted(length, 'token')}" for length in lengths]
    kept = affordable(Sample(token_ids, places))
    return kept, f"{counted(len(kept.places), 'text')}: made up of the model's words"


def affordable(sample: Sample) -> Sample:
    """As many of the texts, in even steps, as have `MOST_TOKENS` together, if they are alike; one at least."""
    count = len(sample.token_ids)
    kept = max(1, min(count, count * MOST_TOKENS // int(sample.lengths.sum())))
    rows = np.linspace(0, count - 1, kept).round().astype(int)
    return Sample([sample.token_ids[row] for row in rows], [sample.places[row] for row in rows])


def drawn(
    items: Iterable[Item], make: Callable[[Item], Made], most: int = MOST_TEXTS
) -> tuple[list[Made], int]:
    """What is made of so many of the items, in even steps, and how many there were; twice as much is kept meanwhile."""
    kept: list[Made] = []
    step, count = 1, 0
    for item in items:
        if count % step == 0:
            kept.append(make(item))
            if len(kept) == 2 * most:
                kept, step = kept[::2], 2 * step
        count += 1
    rows = np.linspace(0, len(kept) - 1, min(len(kept), most)).round().astype(int)
    return [kept[row] for row in rows], count
