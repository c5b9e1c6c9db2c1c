"""A share of the rows held out, with every label on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqtrain.data.problems import listed
from seqtrain.data.randomness import Purpose, permutation
from seqtrain.errors import DataError


def stratified_share(
    labels: ArrayLike, share: float, seed: int, names: Sequence[str] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out a share of every label's rows: (rows that stay, rows held out), both int64 and ascending.

    labels int[rows], from 0; 0 < share < 1. The share of each label is met to the nearest row, with at least one
    row on either side. Depends on the arguments alone. Raises DataError, with the labels' names, for labels of a
    single row.
    """
    labels = np.asarray(labels)
    counts = np.bincount(labels)
    _require_two_rows(counts, names)
    held_out = np.clip(np.floor(counts * share + 0.5).astype(np.int64), 1, counts - 1)
    shuffled = permutation(len(labels), seed=seed, purpose=Purpose.SPLIT)
    grouped = shuffled[np.argsort(labels[shuffled], kind="stable")]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    drawn = np.zeros(len(labels), bool)
    drawn[grouped] = rank < np.repeat(held_out, counts)
    return np.flatnonzero(~drawn), np.flatnonzero(drawn)


def _require_two_rows(counts: NDArray[np.int64], names: Sequence[str] | None) -> None:
    single = [repr(names[label]) if names else str(label) for label in np.flatnonzero(counts == 1).tolist()]
    if single:
        raise DataError(
            f"a dev share takes two rows of each label, but there is only one of {listed(single)}",
            hint="Add rows, take the label out, or name a file of its own for data.dev.",
        )
