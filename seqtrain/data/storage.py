"""The encoded texts: one flat array of token ids with offsets, in files that are mapped, never loaded.

A folder holds a file for each column, written from front to back: a corpus of any size takes the memory of one
block to write, and to read that of the rows in demand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_TOKENS = 1 << 18
"""About how many tokens are in memory at a time while a corpus is written or read through."""

COLUMNS: dict[str, type[np.generic]] = {
    "token_ids": np.int32,
    "offsets": np.int64,
    "labels": np.int32,
    "weights": np.float32,
    "truncated": np.bool_,
    "files": np.int32,
    "lines": np.int64,
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Encoded rows in the order they were read; every array is mapped from a file.

    token_ids int32[tokens], those of row i from offsets[i] to offsets[i + 1]; offsets int64[rows + 1];
    labels int32[rows]; weights float32[rows]; truncated bool[rows], True if the text had more tokens;
    files int32[rows], lines int64[rows]: row i was read from file_names[files[i]], line lines[i] from 1. The files need
    not be there any more.
    """

    token_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int32]
    weights: NDArray[np.float32]
    truncated: NDArray[np.bool_]
    files: NDArray[np.int32]
    lines: NDArray[np.int64]
    file_names: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """The number of tokens of each row, int32[rows], at least 1; computed anew at each access."""
        lengths = np.empty(len(self), np.int32)
        return np.subtract(self.offsets[1:], self.offsets[:-1], out=lengths, casting="unsafe")

    def location(self, row: int) -> str:
        """Where a row was read, as `file:line`."""
        return f"{self.file_names[self.files[row]]}:{self.lines[row]}"

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Map the corpus that `write` left in a folder."""
        columns: dict[str, Any] = {name: _map(folder / name, dtype) for name, dtype in COLUMNS.items()}
        return cls(**columns, file_names=json.loads((folder / "file_names.json").read_text("utf-8")))


class Block(NamedTuple):
    """Some consecutive rows in memory: the columns of a Corpus, with lengths in place of offsets."""

    token_ids: NDArray[Any]
    lengths: NDArray[Any]
    labels: NDArray[Any]
    weights: NDArray[Any]
    truncated: NDArray[Any]
    files: NDArray[Any]
    lines: NDArray[Any]


def blocks(corpus: Corpus, keep: NDArray[np.bool_]) -> Iterator[Block]:
    """The rows where `keep` is True, in their order, read about `BLOCK_TOKENS` tokens at a time."""
    for start, stop in spans(corpus):
        kept, offsets = keep[start:stop], corpus.offsets[start : stop + 1]
        lengths = np.diff(offsets)
        token_ids = corpus.token_ids[offsets[0] : offsets[-1]][np.repeat(kept, lengths)]
        rows = (getattr(corpus, name)[start:stop][kept] for name in Block._fields[2:])
        yield Block(token_ids, lengths[kept], *rows)


def spans(corpus: Corpus) -> Iterator[tuple[int, int]]:
    """Consecutive rows of about `BLOCK_TOKENS` tokens together: the first, and the one behind the last."""
    marks = np.searchsorted(corpus.offsets, np.arange(0, corpus.offsets[-1], BLOCK_TOKENS))
    return pairwise(np.unique([*marks, len(corpus)]).tolist())


def write(blocks: Iterable[Block], folder: Path, file_names: Iterable[str]) -> Corpus:
    """Append blocks to the files of a folder and map them; the file names are read when all is written."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = 0
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / name).open("wb")) for name in COLUMNS}
        files["offsets"].write(np.int64(0).tobytes())
        for block in blocks:
            columns = block._asdict()
            columns["offsets"] = tokens + np.cumsum(columns.pop("lengths"))
            tokens += len(block.token_ids)
            for name, column in columns.items():
                # Not ndarray.tofile, whose error does not say that the disk is full.
                files[name].write(column.astype(COLUMNS[name]).data)
    (folder / "file_names.json").write_text(json.dumps(list(file_names)), "utf-8")
    return Corpus.open(folder)


def _map(path: Path, dtype: type[np.generic]) -> NDArray[Any]:
    if not path.stat().st_size:
        return np.empty(0, dtype)  # mmap refuses an empty file
    return np.asarray(np.memmap(path, dtype, mode="r"))  # asarray: indexing a memmap is slower
