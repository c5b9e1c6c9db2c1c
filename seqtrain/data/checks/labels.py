"""The labels: which ones each split has, and how evenly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.checks.report import Finding, Section, error, passed, percent, raised, table, warning
from seqtrain.data.checks.survey import Survey
from seqtrain.data.formats.record import shown
from seqtrain.data.problems import listed

FEW_ROWS = 10
"""With fewer rows a label can hardly be learnt."""

MAJORITY = 0.8
"""From this share of one label on, accuracy says little."""

_SHOWN = 20  # labels in the table

Counts = Mapping[str, NDArray[np.int64]]
"""Rows of each label, int64[labels], by split."""


def labels_section(found: Survey, *, skip: bool) -> Section:
    """The section on labels and balance. skip: whether rows of an unknown label are skipped, and not an error."""
    counts = {split: found.counts(split) for split in found.rows}
    facts = {split: _named(found, counts[split]) for split in counts}
    findings = list(_of_train(found, counts["train"]))
    for split in [split for split in found.filled if split != "train"]:
        findings.append(_unknown(found, split, counts, skip))
        findings.append(_missing(found, split, counts))
    return Section("labels", "Labels", facts, _table(found, counts), findings)


def _named(found: Survey, counts: NDArray[np.int64]) -> dict[str, int]:
    return {found.labels[label]: int(counts[label]) for label in np.flatnonzero(counts)}


def _name(found: Survey, label: int) -> str:
    """A label as it fits into a line."""
    return shown(found.labels[label], quoted=False)


def _table(found: Survey, counts: Counts) -> list[str]:
    order = np.argsort(-counts["train"], kind="stable")
    head = ["label", *(cell for split in counts for cell in (split, ""))]
    shares = {split: column / max(1, column.sum()) for split, column in counts.items()}
    rows = [
        [_name(found, label)]
        + [cell for split in counts for cell in (f"{counts[split][label]:,}", percent(shares[split][label]))]
        for label in order[:_SHOWN]
    ]
    more = [f"… and {len(order) - _SHOWN:,} more"] if len(order) > _SHOWN else []
    return table([head, *rows]) + more


def _of_train(found: Survey, counts: NDArray[np.int64]) -> Iterator[Finding]:
    there = np.flatnonzero(counts)
    if len(there) < 2:
        yield error("train: fewer than two labels", "Is data.columns.label the right column?")
        return
    if found.undrawn:
        yield raised(f"dev: {found.undrawn}")
    rare = [
        f"{_name(found, label)} ({counts[label]})" for label in there.tolist() if counts[label] < FEW_ROWS
    ]
    if rare:
        advice = "Add rows of them, or join them with other labels."
        yield warning(f"train: labels of fewer than {FEW_ROWS} rows: {listed(rare)}", advice)
    else:
        yield passed(f"train: {len(there):,} labels, each of {FEW_ROWS} rows or more")
    yield _balance(_name(found, int(counts.argmax())), counts.max() / counts.sum())


def _balance(label: str, share: float) -> Finding:
    said = f"train: {percent(share)} of the rows have the label {label}, the most frequent one"
    if share < MAJORITY:
        return passed(said)
    return warning(said, "So much is right by saying nothing else. Judge by training.metric: macro_f1.")


def _unknown(found: Survey, split: str, counts: Counts, skip: bool) -> Finding:
    unknown = np.flatnonzero((counts[split] > 0) & (counts["train"] == 0))
    if not len(unknown):
        return passed(f"{split}: no label that train has not")
    names = _with_counts(found, unknown, counts[split])
    rows = found.rows[split]
    places = [found.location(rows, int(np.argmax(rows.labels == label))) for label in unknown[:5]]
    tell = warning if skip and counts[split][counts["train"] > 0].any() else error
    advice = "Correct these labels, or add rows of them to train. Rows of an unknown label cannot be used."
    return tell(f"{split}: labels that train has not: {names}", advice, places)


def _missing(found: Survey, split: str, counts: Counts) -> Finding:
    missing = np.flatnonzero((counts["train"] > 0) & (counts[split] == 0))
    if not len(missing):
        return passed(f"{split}: every label of train")
    names = _with_counts(found, missing, counts["train"])
    return warning(f"{split}: no row of {names}", "Add some, or nothing is measured on these labels.")


def _with_counts(found: Survey, labels: Iterable[int], counts: NDArray[np.int64]) -> str:
    return listed([f"{_name(found, label)} ({counts[label]:,})" for label in labels])
