"""All that a fit learns from, in a folder that can be opened again: two corpora, their vocabulary and their labels.

index.json, which is written last, has the size of every other file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.storage import Corpus
from seqtrain.errors import DataError, RunError
from seqtrain.text.vocabulary import UNK, Vocabulary

VERSION = 1
"""Of the files' format; those of another one are not opened."""

TRAIN, DEV = "train", "dev"
_INDEX, _VOCABULARY, _LABELS = "index.json", "vocabulary.tsv", "labels.json"
_BLOCK = 1 << 18  # values that are checked at a time


class Corpora(NamedTuple):
    """What a fit learns from. Labels are sorted by code point; a label id is an index into them."""

    train: Corpus
    dev: Corpus
    vocabulary: Vocabulary
    labels: list[str]

    def save(self, folder: Path) -> None:
        """Adds what `open` needs to the folder in which the corpora are, as `train` and `dev`."""
        self.vocabulary.save(folder / _VOCABULARY)
        (folder / _LABELS).write_text(json.dumps(self.labels), "utf-8")
        (folder / _INDEX).write_text(json.dumps(self._index(folder), indent=2), "utf-8")

    @classmethod
    def open(cls, folder: Path) -> Corpora:
        """Maps what `save` left in a folder, after a look at all of it in bounded memory.

        What is opened is safe to compute with: every row has its columns and a token, every id stands for something.
        Raises DataError for anything else, such as a file that is missing or cut off.
        """
        try:
            corpora = cls(
                Corpus.open(folder / TRAIN),
                Corpus.open(folder / DEV),
                Vocabulary.load(folder / _VOCABULARY),
                json.loads((folder / _LABELS).read_bytes()),
            )
            corpora._check(folder)
        except (OSError, ValueError, RunError) as error:
            raise DataError(f"{folder}: no whole corpora: {error}", hint="Delete the folder.") from error
        return corpora

    def _check(self, folder: Path) -> None:
        if json.loads((folder / _INDEX).read_bytes()) != self._index(folder):
            raise ValueError(f"the files are not those that {_INDEX} tells of")
        for corpus in (self.train, self.dev):
            _check_rows(corpus)
            _check_range("token id", corpus.token_ids, UNK, len(self.vocabulary))
            _check_range("label", corpus.labels, 0, len(self.labels))
            _check_range("file", corpus.files, 0, len(corpus.file_names))

    def _index(self, folder: Path) -> dict[str, Any]:
        corpora = {TRAIN: self.train, DEV: self.dev}
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / _INDEX)
        return {
            "version": VERSION,
            "rows": {name: len(corpus) for name, corpus in corpora.items()},
            "tokens": {name: len(corpus.token_ids) for name, corpus in corpora.items()},
            "bytes": {path.relative_to(folder).as_posix(): path.stat().st_size for path in files},
        }


def _check_rows(corpus: Corpus) -> None:
    """ValueError unless the columns have a value for each row, and each row has a token."""
    columns = corpus.offsets[1:], corpus.weights, corpus.truncated, corpus.files, corpus.lines
    if any(len(column) != len(corpus) for column in columns):
        raise ValueError("its columns are not equally long")
    if corpus.offsets[0] != 0 or corpus.offsets[-1] != len(corpus.token_ids):
        raise ValueError("its offsets are not those of its token ids")
    if any(np.diff(block).min(initial=1) < 1 for block in _blocks(corpus.offsets)):
        raise ValueError("its offsets do not ascend")


def _check_range(what: str, values: NDArray[Any], least: int, end: int) -> None:
    for block in _blocks(values):
        if block.min() < least or block.max() >= end:
            raise ValueError(f"a {what} is outside of {least} to {end - 1}")


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Some at a time; the last value of a block is the first of the next one."""
    return (values[start : start + _BLOCK + 1] for start in range(0, len(values), _BLOCK))
