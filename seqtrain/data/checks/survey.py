"""One pass over all files: what is known of each row in a few bytes, without its text.

Texts are compared by their hashes, 64 bits each: of a million different texts two have the same one once in 30
million surveys.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.checks.characters import Oddities
from seqtrain.data.checks.normal import normalised
from seqtrain.data.corpus import MOST_LABELS
from seqtrain.data.encoding import Numbering
from seqtrain.data.problems import Problems
from seqtrain.data.reader import Example, expand
from seqtrain.data.splits import SPLITS, Splits
from seqtrain.data.splitting import stratified_share
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Rows:
    """Rows in the order of reading: where each one was read, its label, and hashes of its text as it is and normalised.

    labels and files int32[rows] are numbers of the survey's names; lines, texts, normalised int64[rows].
    """

    labels: NDArray[np.int32]
    files: NDArray[np.int32]
    lines: NDArray[np.int64]
    texts: NDArray[np.int64]
    normalised: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        return Rows(*(column[rows] for column in vars(self).values()))

    @classmethod
    def together(cls, parts: list[Rows]) -> Rows:
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


@dataclass
class Source:
    """What the files of a split hold. files: their sizes in bytes; failure: what stopped the reading, if anything did.

    empty: texts without a token.
    """

    files: dict[str, int] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    failure: str = ""
    empty: int = 0


@dataclass(frozen=True)
class Survey:
    """All sources, and the rows of each split; a drawn dev has rows, but no source of its own.

    undrawn: why no dev could be drawn, if so.
    """

    labels: list[str]
    files: list[str]
    sources: Mapping[str, Source]
    oddities: Oddities
    rows: Mapping[str, Rows]
    undrawn: str = ""

    @property
    def filled(self) -> list[str]:
        """The splits that have rows."""
        return [split for split, rows in self.rows.items() if len(rows)]

    def location(self, rows: Rows, row: int) -> str:
        """Where a row was read, as `file:line`."""
        return f"{self.files[rows.files[row]]}:{rows.lines[row]}"

    def counts(self, split: str) -> NDArray[np.int64]:
        """Rows of each label, int64[labels]."""
        return np.bincount(self.rows[split].labels, minlength=len(self.labels))


def look_through(splits: Splits, tokenizer: Tokenizer) -> Survey:
    """Reads the files of every split once. What cannot be read or drawn is noted; nothing is raised."""
    reader = _Reader(splits, tokenizer)
    sources = {split: Source() for split in SPLITS if isinstance(getattr(splits, split), Sequence)}
    rows = {split: reader.read(split, source) for split, source in sources.items()}
    labels, undrawn = list(reader.labels), ""
    if isinstance(splits.dev, float):
        train = rows.pop("train")
        try:
            stays, held_out = stratified_share(train.labels, splits.dev, splits.split_seed, labels)
        except DataError as error:
            stays, held_out, undrawn = np.arange(len(train)), np.arange(0), str(error)
        rows = {"train": train.take(stays), "dev": train.take(held_out), **rows}
    return Survey(labels, list(reader.files), sources, reader.oddities, rows, undrawn)


class _Reader:
    """Reads sources; numbers labels and files, and counts oddities, over all of them."""

    def __init__(self, splits: Splits, tokenizer: Tokenizer) -> None:
        self._splits, self._tokenizer = splits, tokenizer
        self.labels, self.files, self.oddities = Numbering(), Numbering(), Oddities()

    def read(self, split: str, source: Source) -> Rows:
        columns = array("i"), array("i"), array("q"), array("q"), array("q")
        try:
            source.files |= {str(path): os.path.getsize(path) for path in expand(self._splits.files(split))}
            for row in source.problems.usable(self._splits.read(split)):
                for column, value in zip(columns, self._values(row, source), strict=True):
                    column.append(value)
        except (DataError, OSError) as error:
            source.failure = str(error)
        return Rows(*map(np.asarray, columns))

    def _values(self, row: Example, source: Source) -> tuple[int, ...]:
        self.oddities.look_at(row)
        plain = normalised(row.text)
        if not plain:
            source.empty += not self._tokenizer(row.text)
            plain = row.text
        return self._label(row), self.files[row.file], row.line, hash(row.text), hash(plain)

    def _label(self, row: Example) -> int:
        if len(self.labels) == MOST_LABELS and row.label not in self.labels:
            message = f"{row.file}:{row.line}: here is one label more than {MOST_LABELS:,}"
            raise DataError(message, hint="data.columns.label is probably the wrong column.")
        return self.labels[str(row.label)]
