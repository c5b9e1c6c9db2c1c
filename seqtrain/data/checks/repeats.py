"""Texts that are there more than once: within train, with different labels, and in two splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.checks.report import Finding, Section, passed, warning
from seqtrain.data.checks.survey import Rows, Survey
from seqtrain.data.formats.record import shown

EXAMPLES = 5

Hashes = NDArray[np.int64]


class Pairs(NamedTuple):
    """Rows, ascending, and for each of them the first other row with its text; both int64[pairs]."""

    rows: NDArray[np.int64]
    firsts: NDArray[np.int64]


HASHES: dict[str, Callable[[Rows], Hashes]] = {
    "exact": lambda rows: rows.texts,
    "normalised": lambda rows: rows.normalised,
}
"""What makes texts the same: all, or all but case, white space and punctuation."""


def repeated(hashes: Hashes) -> Pairs:
    """The rows whose text an earlier row has, too."""
    firsts = _firsts(hashes)
    rows = np.flatnonzero(firsts != np.arange(len(hashes)))
    return Pairs(rows, firsts[rows])


def contradicting(hashes: Hashes, labels: NDArray[np.int32]) -> Pairs:
    """The rows with another label than the first row of their text."""
    firsts = _firsts(hashes)
    rows = np.flatnonzero(labels != labels[firsts])
    return Pairs(rows, firsts[rows])


def shared(hashes: Hashes, others: Hashes) -> Pairs:
    """The rows whose text one of the others has, too."""
    if not len(others):
        return Pairs(np.arange(0), np.arange(0))
    distinct, firsts = np.unique(others, return_index=True)
    places = np.searchsorted(distinct, hashes).clip(max=len(distinct) - 1)
    rows = np.flatnonzero(distinct[places] == hashes)
    return Pairs(rows, firsts[places[rows]])


def _firsts(hashes: Hashes) -> NDArray[np.int64]:
    _, firsts, numbers = np.unique(hashes, return_index=True, return_inverse=True)
    return firsts[numbers]


def duplicates_section(found: Survey) -> Section:
    """The section on texts that train has several times, and on those with different labels in whatever split."""
    train, every = found.rows["train"], Rows.together(list(found.rows.values()))
    repeats = {kind: repeated(hashes(train)) for kind, hashes in HASHES.items()}
    contradictions = {kind: contradicting(hashes(every), every.labels) for kind, hashes in HASHES.items()}

    def labelled(row: int) -> str:
        return f"{found.location(every, row)} {shown(found.labels[every.labels[row]], quoted=False)}"

    findings = [
        _finding(
            "train: {} with the text of an earlier one",
            "It counts as often as it is there. Take copies out, unless that is meant.",
            repeats,
            lambda row, first: f"{found.location(train, row)} = {found.location(train, first)}",
        ),
        _finding(
            "{} with the text of an earlier one, but another label",
            "Decide for one of the labels, or take these rows out.",
            contradictions,
            lambda row, first: f"{labelled(row)} = {labelled(first)}",
        ),
    ]
    facts = {"train": _counts(repeats), "other_label": _counts(contradictions)}
    return Section("duplicates", "Duplicates", facts, findings=findings)


def overlaps_section(found: Survey) -> Section:
    """The section on texts that two splits share."""
    pairs = {(one, other): _shared_by(found, one, other) for one, other in combinations(found.filled, 2)}
    facts = {f"{one}_{other}": _counts(shared) for (one, other), shared in pairs.items()}
    findings = [_overlap(found, one, other, shared) for (one, other), shared in pairs.items()]
    return Section("overlaps", "Texts shared by the splits", facts, findings=findings)


def _shared_by(found: Survey, one: str, other: str) -> dict[str, Pairs]:
    """Rows of the other split, and those of the first one with their texts."""
    return {
        kind: shared(hashes(found.rows[other]), hashes(found.rows[one])) for kind, hashes in HASHES.items()
    }


def _overlap(found: Survey, one: str, other: str, pairs: Mapping[str, Pairs]) -> Finding:
    def named(row: int, first: int) -> str:
        return f"{found.location(found.rows[other], row)} = {found.location(found.rows[one], first)}"

    advice = f"They make the score on {other} look better than it is. Take them out of {one}."
    return _finding(f"{other}: {{}} with a text of {one}", advice, pairs, named)


def _counts(pairs: Mapping[str, Pairs]) -> dict[str, int]:
    return {kind: len(each.rows) for kind, each in pairs.items()}


def _finding(said: str, advice: str, pairs: Mapping[str, Pairs], named: Callable[[int, int], str]) -> Finding:
    """said: with {} in place of the rows; pairs: by kind, where normalised ones include exact ones; named: a pair."""
    exact, normalised = (len(each.rows) for each in pairs.values())
    if not normalised:
        return passed(said.format("no row"))
    examples = [named(row, first) for row, first in _some(pairs).items()]
    close = f"{normalised - exact:,} more but for case, white space and punctuation"
    return warning(f"{said.format('rows')}: {exact:,} exactly, {close}", advice, examples)


def _some(pairs: Mapping[str, Pairs]) -> dict[int, int]:
    """A few pairs, those of the kind that comes first before all others."""
    some: dict[int, int] = {}
    for rows, firsts in pairs.values():
        for row, first in zip(rows[:EXAMPLES].tolist(), firsts[:EXAMPLES].tolist(), strict=True):
            if len(some) < EXAMPLES:
                some.setdefault(row, first)
    return some
