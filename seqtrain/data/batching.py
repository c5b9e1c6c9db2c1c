"""Which rows make a batch, and the batch itself.

A plan is computed, not stored: a pure function of the lengths and the seed. Resuming is therefore an index
into it, and every worker of several can compute the same plan and take its share of each batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqtrain.data.randomness import Purpose, permutation
from seqtrain.data.storage import Corpus
from seqtrain.text.vocabulary import PAD

POOL_BATCHES = 50
"""Batches whose rows are sorted by length together: more pad less, fewer mix better."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a corpus, padded on the right with `PAD` to the longest of them.

    token_ids <int32>[batch, time], lengths <int32>[batch] at least 1, labels <int32>[batch],
    weights <float32>[batch], rows <int64>[batch]: where each one stands in the corpus.
    """

    token_ids: NDArray[np.int32]
    lengths: NDArray[np.int32]
    labels: NDArray[np.int32]
    weights: NDArray[np.float32]
    rows: NDArray[np.int64]


class Plan(Sequence[NDArray[np.int64]]):
    """The batches of one pass, each an int64 array of row numbers.

    One flat array and two cuts a batch: ten million rows would make a list of some 300,000 arrays. A slice
    of a plan is a plan: `plan[step:]` is what remains after so many steps.
    """

    def __init__(self, rows: NDArray[np.int64], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        self._rows, self._starts, self._stops = rows, starts, stops

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.int64]: ...
    @overload
    def __getitem__(self, index: slice) -> Plan: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.int64] | Plan:
        if isinstance(index, slice):
            return Plan(self._rows, self._starts[index], self._stops[index])
        return self._rows[self._starts[index] : self._stops[index]]


def plan_epoch(
    lengths: NDArray[np.int32], *, seed: int, epoch: int, batch_tokens: int, max_batch: int
) -> Plan:
    """The batches of one training epoch: every row exactly once, in an order of its own each epoch.

    Shuffle all rows, sort by length inside pools of about fifty batches, cut, shuffle the batches. lengths
    int32[rows], at least 1. A batch takes up to `max_batch` rows and, padding included, `batch_tokens`
    tokens; a row longer than that is a batch of its own.
    """
    rows = permutation(len(lengths), seed=seed, purpose=Purpose.EXAMPLES, epoch=epoch)
    capacity = _capacity(lengths, batch_tokens, max_batch)
    ends = _pool_ends(capacity)
    for start, stop in zip([0, *ends], ends, strict=False):
        pool = rows[start:stop]
        rows[start:stop] = pool[_longest_first(lengths[pool])]
    edges = _edges(capacity[rows], ends)
    order = permutation(len(edges) - 1, seed=seed, purpose=Purpose.BATCHES, epoch=epoch)
    return Plan(rows, edges[:-1][order], edges[1:][order])


def plan_evaluation(lengths: NDArray[np.int32], *, batch_tokens: int, max_batch: int) -> Plan:
    """The batches of one pass without randomness: every row exactly once, the longest first."""
    rows = _longest_first(lengths)
    edges = _edges(_capacity(lengths, batch_tokens, max_batch)[rows], [len(rows)])
    return Plan(rows, edges[:-1], edges[1:])


def _longest_first(lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.argsort(-lengths, kind="stable")


def _capacity(lengths: NDArray[np.int32], batch_tokens: int, max_batch: int) -> NDArray[np.int32]:
    """How many rows a batch holds whose longest row is this one, int32[rows]."""
    capacity = np.clip(batch_tokens // lengths, 1, max_batch)
    return capacity.astype(np.int32, copy=False)


def _pool_ends(capacity: NDArray[np.int32]) -> list[int]:
    """Where each pool of shuffled rows ends: pools of equal size, about `POOL_BATCHES` batches each."""
    rows = len(capacity)
    room = int(capacity.sum(dtype=np.int64))  # in integers: every processor rounds them alike
    pools = max(1, round(rows**2 / max(1, POOL_BATCHES * room)))
    return [rows * (pool + 1) // pools for pool in range(pools)]


def _edges(capacity: NDArray[np.int32], ends: Sequence[int]) -> NDArray[np.int64]:
    """Where batches begin and end, int64[batches + 1], given what fits with each row and the ends of pools.

    No batch reaches over an end. Up to each end the longest rows come first, so the first row of a batch
    says how many fit: a loop over batches, not over rows.
    """
    room = capacity.data
    edges, cursor = array("q", [0]), 0
    for end in ends:
        while cursor < end:
            cursor = min(cursor + room[cursor], end)
            edges.append(cursor)
    return np.frombuffer(edges, np.int64)


def padding_share(lengths: NDArray[np.int32], plan: Iterable[NDArray[np.int64]]) -> float:
    """The share of padding among all positions of a plan's batches, 0 (none) to below 1."""
    tokens = positions = 0
    for rows in plan:
        batch = lengths[rows]
        tokens += int(batch.sum())
        positions += len(batch) * int(batch.max())
    return 1 - tokens / positions if positions else 0.0


def pad(texts: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Token ids of texts, at least one each → token_ids <int32>[batch, time], padded on the right, and lengths."""
    lengths = np.array([len(text) for text in texts], np.int32)
    token_ids = np.full((len(texts), lengths.max()), PAD, np.int32)
    for row, text in zip(token_ids, texts, strict=True):
        row[: len(text)] = text
    return token_ids, lengths


def collate(corpus: Corpus, rows: ArrayLike) -> Batch:
    """The batch of these rows, in their order; there must be at least one."""
    rows = np.asarray(rows, np.int64)
    starts = corpus.offsets[rows]
    lengths = corpus.offsets[rows + 1] - starts
    steps = np.arange(lengths.max())
    # Read on into the next row (at the very end, clip), then pad: quicker than gathering real tokens alone.
    token_ids = corpus.token_ids.take(starts[:, None] + steps, mode="clip")
    token_ids[steps >= lengths[:, None]] = PAD
    return Batch(token_ids, lengths.astype(np.int32), corpus.labels[rows], corpus.weights[rows], rows)


class Batches(Sequence[Batch]):
    """The batches of a plan, each put together when it is asked for."""

    def __init__(self, corpus: Corpus, plan: Plan) -> None:
        self._corpus, self._plan = corpus, plan

    def __len__(self) -> int:
        return len(self._plan)

    @overload
    def __getitem__(self, index: int) -> Batch: ...
    @overload
    def __getitem__(self, index: slice) -> Batches: ...
    def __getitem__(self, index: int | slice) -> Batch | Batches:
        if isinstance(index, slice):
            return Batches(self._corpus, self._plan[index])
        return collate(self._corpus, self._plan[index])
