"""The distinct words of texts of any size, numbered and counted in bounded memory.

Words are kept in a dictionary. When it has too many they go to a file, sorted, and an empty one takes over: a word may
get an id in each. Merging the files tells which ids are the same word. Most texts have so few words that no file is
written.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.encoding import Numbering, memory
from seqtrain.text.vocabulary import SPECIAL, UNK, Vocabulary

MOST_BYTES = 1 << 27
"""Words that take more memory go to a file: some 950,000 words."""

_BATCH = 1 << 10  # words of a file that are in memory at a time


class _Sorted(NamedTuple):
    """Words in code point order, in a file with a line for each, and their ids int32[words]."""

    file: Path
    ids: NDArray[np.int32]

    def batches(self) -> Iterator[tuple[Sequence[str], NDArray[np.int32]]]:
        with self.file.open(encoding="utf-8", newline="\n") as lines:
            for start in range(0, len(self.ids), _BATCH):
                words = [line[:-1] for line in islice(lines, _BATCH)]
                yield words, self.ids[start : start + _BATCH]


class Lexicon:
    """Numbers words from 0. Its files are kept in a folder that is there; whoever made the folder deletes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._words, self._memory = Numbering(), 0
        self._sorted: list[_Sorted] = []

    def __len__(self) -> int:
        """How many ids there are: as many as distinct words, or more."""
        return self._words.first + len(self._words)

    def ids(self, words: Iterable[str]) -> list[int]:
        """An id for each word; not always the same one, but never that of another word."""
        if self._memory > MOST_BYTES:
            self._put_aside()
        known = len(self._words)
        ids = list(map(self._words.__getitem__, words))
        self._memory += memory(self._words.since(known))
        return ids

    def counts(self, token_ids: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
        """How often each id occurs in these arrays, int64[ids]; in a file. There must be an id."""
        counts = _zeros(self._folder / "counts", len(self), np.int64)
        for ids in token_ids:
            np.add.at(counts, ids, 1)
        return counts

    def vocabulary(self, counts: NDArray[np.int64], min_count: int, max_size: int) -> Vocabulary:
        """The vocabulary of words whose ids occur as often as counts int64[ids] says."""
        frequent = self._frequent(counts, max_size)
        rest = int(counts.sum()) - sum(count for _, count in frequent)
        return Vocabulary.from_counts([*frequent, (SPECIAL[UNK], rest)], min_count, max_size)

    def extended(self, vocabulary: Vocabulary, words: Sequence[str], counts: NDArray[np.int64]) -> Vocabulary:
        """The vocabulary with other words behind its own; what they count is `<unk>`'s no more. There must be an id."""
        tokens = [*vocabulary.tokens, *words]
        longer, totals = Vocabulary(tokens, [0] * len(tokens)), np.zeros(len(tokens), np.int64)
        for part in self._parts():
            for known, ids in part:
                np.add.at(totals, longer.encode(known), counts[ids])
        return Vocabulary(tokens, totals.tolist())

    def final_ids(self, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """The id in the vocabulary for each id given here, int32[ids]; in a file. There must be an id."""
        final = _zeros(self._folder / "final_ids", len(self), np.int32)
        for part in self._parts():
            for words, ids in part:
                final[ids] = vocabulary.encode(words)
        return final

    def _frequent(self, counts: NDArray[np.int64], most: int) -> list[tuple[str, int]]:
        """The most frequent words, `most` of them or somewhat more, and their counts."""
        if self._sorted:
            words = _summed(heapq.merge(*(_pairs(part, counts) for part in self._parts())))
            return heapq.nsmallest(most, words, key=lambda pair: (-pair[1], pair[0]))
        place = max(0, len(counts) - most)
        frequent = counts >= max(1, np.partition(counts, place)[place])
        return list(zip(compress(self._words, frequent), counts[frequent].tolist(), strict=True))

    def _parts(self) -> list[Iterable[tuple[Sequence[str], NDArray[np.int32]]]]:
        """The words with their ids, in batches: no word twice in a part, and sorted if there are several parts."""
        if not self._sorted:
            return [[(list(self._words), np.arange(len(self._words), dtype=np.int32))]]
        if self._words:
            self._put_aside()
        return [part.batches() for part in self._sorted]

    def _put_aside(self) -> None:
        first, words = self._words.first, sorted(self._words)
        ids = _zeros(self._folder / f"ids_{first}", len(words), np.int32)
        ids[:] = np.fromiter(map(self._words.__getitem__, words), np.int32, len(words))
        file = self._folder / f"words_{first}"
        with file.open("w", encoding="utf-8", newline="\n") as lines:
            lines.writelines(f"{word}\n" for word in words)
        self._sorted.append(_Sorted(file, ids))
        self._words, self._memory = Numbering(first=len(self)), 0


def _pairs(
    part: Iterable[tuple[Sequence[str], NDArray[np.int32]]], counts: NDArray[np.int64]
) -> Iterator[tuple[str, int]]:
    for words, ids in part:
        yield from zip(words, counts[ids].tolist(), strict=True)


def _summed(pairs: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Pairs of the same word, which follow one another, become one; words that do not occur are left out."""
    word, total = "", 0
    for other, count in pairs:
        if other != word:
            if total:
                yield word, total
            word, total = other, 0
        total += count
    if total:
        yield word, total


def _zeros(file: Path, size: int, dtype: type[np.generic]) -> NDArray[Any]:
    """An array of zeros that is mapped from a file: it takes no memory that other things could not have."""
    with file.open("wb") as stream:
        # Written, not just made as long: on a full disk an OSError tells, and not a signal at the first assignment.
        for start in range(0, size, _BATCH):
            stream.write(bytes(min(_BATCH, size - start) * np.dtype(dtype).itemsize))
    return np.asarray(np.memmap(file, dtype, mode="r+"))
