"""Which rows share a text, against loops over all pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.checks.repeats import (
    EXAMPLES,
    contradicting,
    duplicates_section,
    overlaps_section,
    repeated,
    shared,
)
from seqtrain.data.checks.report import PASSED
from seqtrain.data.checks.survey import look_through
from tests.unit.data.checks.places import TOKENIZER, splits

HASHES = st.lists(st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1]), max_size=12)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def pairs(found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    rows, firsts = found
    return list(zip(rows.tolist(), firsts.tolist(), strict=True))


@settings(deadline=None)
@given(HASHES)
def test_repeated(hashes: list[int]) -> None:
    expected = [(row, hashes.index(each)) for row, each in enumerate(hashes) if each in hashes[:row]]
    assert pairs(repeated(array(hashes))) == expected


@settings(deadline=None)
@given(HASHES, st.data())
def test_contradicting(hashes: list[int], data: st.DataObject) -> None:
    labels = [data.draw(st.integers(0, 2)) for _ in hashes]
    firsts = [hashes.index(each) for each in hashes]
    expected = [(row, first) for row, first in enumerate(firsts) if labels[row] != labels[first]]
    assert pairs(contradicting(array(hashes), np.array(labels, np.int32))) == expected


@settings(deadline=None)
@given(HASHES, HASHES)
def test_shared(hashes: list[int], others: list[int]) -> None:
    expected = [(row, others.index(each)) for row, each in enumerate(hashes) if each in others]
    assert pairs(shared(array(hashes), array(others))) == expected


TRAIN = [
    ("pos", "a good film"),
    ("neg", "bad"),
    ("pos", "a good film"),
    ("neg", "A good film!"),
    ("neg", "so so"),
]


def test_the_rows_are_named(tmp_path: Path) -> None:
    """First the exact ones, then those that differ a little."""
    dev = [("pos", "A GOOD FILM"), ("neg", "bad"), ("pos", "new")]
    found = look_through(splits(tmp_path, train=TRAIN, dev=dev), TOKENIZER)
    train, dev_file = tmp_path / "train.tsv", tmp_path / "dev.tsv"
    copies, contradictions = duplicates_section(found).findings
    assert copies.message == (
        "train: rows with the text of an earlier one: 1 exactly, "
        "1 more but for case, white space and punctuation"
    )
    assert copies.examples == [f"{train}:3 = {train}:1", f"{train}:4 = {train}:1"]
    assert contradictions.examples == [f"{train}:4 neg = {train}:1 pos"]
    assert duplicates_section(found).facts == {
        "train": {"exact": 1, "normalised": 2},
        "other_label": {"exact": 0, "normalised": 1},
    }
    (overlap,) = overlaps_section(found).findings
    assert overlap.examples == [f"{dev_file}:2 = {train}:2", f"{dev_file}:1 = {train}:1"]
    assert overlaps_section(found).facts == {"train_dev": {"exact": 1, "normalised": 2}}


def test_all_splits_are_compared(tmp_path: Path) -> None:
    tables = {split: [("pos", "the same"), ("neg", split)] for split in ("train", "dev", "test")}
    facts = overlaps_section(look_through(splits(tmp_path, **tables), TOKENIZER)).facts
    assert facts == {name: {"exact": 1, "normalised": 1} for name in ("train_dev", "train_test", "dev_test")}


def test_many_are_counted_and_a_few_are_shown(tmp_path: Path) -> None:
    train = [("pos", "copy")] * 20 + [("neg", "else")] * 2
    copies = duplicates_section(
        look_through(splits(tmp_path, train=train, dev=[("pos", "x")]), TOKENIZER)
    ).findings[0]
    assert copies.message.startswith("train: rows with the text of an earlier one: 20 exactly, 0 more")
    assert len(copies.examples) == EXAMPLES


def test_texts_of_marks_alone_are_compared_as_they_are(tmp_path: Path) -> None:
    train = [("pos", "!!!"), ("neg", "???"), ("pos", ":)")]
    found = look_through(splits(tmp_path, train=train, dev=[("pos", ":(")]), TOKENIZER)
    assert {
        finding.mark for finding in (*duplicates_section(found).findings, *overlaps_section(found).findings)
    } == {PASSED}
