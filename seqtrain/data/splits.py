"""The rows of train, dev and test, wherever they come from: files of their own, or a share of train."""

from __future__ import annotations

import glob
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.problems import Problems
from seqtrain.data.reader import BadRow, Columns, Example, expand, read
from seqtrain.data.reading import Reading
from seqtrain.data.splitting import stratified_share
from seqtrain.errors import UsageError

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Splits:
    """Where the rows of each split are: names or patterns of files; for dev also a share of train, 0 to 1."""

    train: str | Sequence[str]
    dev: str | Sequence[str] | float
    test: str | Sequence[str] | None
    columns: Columns | None
    split_seed: int
    max_line_bytes: int

    def reading(self) -> Reading:
        return Reading(self.columns, self.max_line_bytes)

    def seen_from(self, folder: str) -> Splits:
        """The same files where relative names start at another folder than the current one."""
        if os.path.realpath(folder) == os.path.realpath("."):
            return self
        return replace(self, **{split: _joined(folder, getattr(self, split)) for split in SPLITS})

    def files(self, split: str) -> str | Sequence[str]:
        """The files that hold the rows of a split, maybe among others; UsageError if there is no such split."""
        files = getattr(self, split)
        if files is None:
            raise UsageError(
                f"the config names no {split} split", hint="Name a file with --data, or another --split."
            )
        return self.train if isinstance(files, float) else files

    def all_files(self) -> list[Path]:
        """The files of all splits, each once. Raises one DataError that tells of every name without a file."""
        named = [files for files in (self.train, self.dev, self.test) if isinstance(files, Sequence)]
        return expand([name for files in named for name in ([files] if isinstance(files, str) else files)])

    def read(self, split: str) -> Iterator[Example | BadRow]:
        """All rows of the files of a split."""
        return read(
            self.files(split), columns=self.columns, labelled=True, max_line_bytes=self.max_line_bytes
        )

    def is_drawn(self, split: str) -> bool:
        """Whether a split is a part of the rows of its files, drawn by `split_seed`."""
        return split != "test" and isinstance(self.dev, float)

    def rows(self, split: str) -> Iterator[Example | BadRow]:
        """The rows of a split alone: where dev is a share of train, those that `fit` drew."""
        if not self.is_drawn(split):
            yield from self.read(split)
            return
        wanted = iter(self._drawn(split))
        for row in self.read(split):
            if isinstance(row, BadRow) or next(wanted):
                yield row

    def _drawn(self, split: str) -> NDArray[np.bool_]:
        """bool[usable rows of the training files]: which ones are of the split."""
        assert isinstance(self.dev, float)
        label_ids: dict[str | None, int] = {}
        usable = Problems().usable(self.read("train"))
        labels = array("i", (label_ids.setdefault(row.label, len(label_ids)) for row in usable))
        train, dev = stratified_share(labels, self.dev, self.split_seed, [str(label) for label in label_ids])
        drawn = np.zeros(len(labels), bool)
        drawn[dev if split == "dev" else train] = True
        return drawn


def _joined(folder: str, files: str | Sequence[str] | float | None) -> Any:
    if files is None or isinstance(files, float):
        return files
    if isinstance(files, str):
        return os.path.join(glob.escape(folder), files)
    return [_joined(folder, name) for name in files]
