from __future__ import annotations

from pathlib import Path

import pytest

from seqtrain.data.checks.labels import labels_section
from seqtrain.data.checks.report import ERROR, PASSED, WARNING, Section
from seqtrain.data.checks.survey import look_through
from tests.unit.data.checks.places import TOKENIZER, Table, splits


def rows(**counts: int) -> list[tuple[str, str]]:
    return [(label, f"{label} {row}") for label, count in counts.items() for row in range(count)]


def section(folder: Path, *, skip: bool = False, **tables: Table | float) -> Section:
    return labels_section(look_through(splits(folder, **tables), TOKENIZER), skip=skip)  # type: ignore[arg-type]


def test_even_labels_pass(tmp_path: Path) -> None:
    found = section(tmp_path, train=rows(neg=40, pos=60), dev=0.25, test=rows(pos=1, neg=1))
    assert {each.mark for each in found.findings} == {PASSED}
    assert found.facts == {
        "train": {"neg": 30, "pos": 45},
        "dev": {"neg": 10, "pos": 15},
        "test": {"neg": 1, "pos": 1},
    }
    assert [line.split() for line in found.lines] == [
        ["label", "train", "dev", "test"],
        ["pos", "45", "60.0%", "15", "60.0%", "1", "50.0%"],
        ["neg", "30", "40.0%", "10", "40.0%", "1", "50.0%"],
    ]


@pytest.mark.parametrize(
    ("skip", "dev", "mark"),
    [
        (False, rows(a=1, b=1, z=3, y=1), ERROR),
        (True, rows(a=1, b=1, z=3, y=1), WARNING),
        (True, rows(z=3, y=1), ERROR),
    ],
)
def test_labels_that_train_has_not(tmp_path: Path, skip: bool, dev: Table, mark: str) -> None:
    """A warning only where their rows are skipped, and others are left."""
    found = section(tmp_path, train=rows(a=10, b=10), dev=dev, skip=skip)
    (unknown,) = [each for each in found.findings if "train has not" in each.message]
    assert (unknown.mark, unknown.message) == (mark, "dev: labels that train has not: z (3), y (1)")
    first = [label for label, _ in dev].index("z") + 1
    assert unknown.examples == [f"{tmp_path / 'dev.tsv'}:{first}", f"{tmp_path / 'dev.tsv'}:{first + 3}"]


@pytest.mark.parametrize(
    ("train", "dev", "mark", "message"),
    [
        (rows(a=10), 0.5, ERROR, "train: fewer than two labels"),
        (rows(a=10, b=9), 0.0, WARNING, "train: labels of fewer than 10 rows: b (9)"),
        (rows(a=20, b=80), 0.0, WARNING, "train: 80.0% of the rows have the label b, the most frequent one"),
        (rows(a=21, b=79), 0.0, PASSED, "train: 79.0% of the rows have the label b, the most frequent one"),
        (
            rows(a=9, b=1),
            0.5,
            ERROR,
            "dev: a dev share takes two rows of each label, but there is only one of 'b'",
        ),
    ],
)
def test_labels_of_train(tmp_path: Path, train: Table, dev: float, mark: str, message: str) -> None:
    found = section(tmp_path, train=train, dev=dev or rows(a=1, b=1))
    assert (mark, message) in [(each.mark, each.message) for each in found.findings]


def test_labels_that_are_not_measured(tmp_path: Path) -> None:
    found = section(tmp_path, train=rows(a=10, b=12, c=11), dev=rows(c=1))
    (missing,) = [each for each in found.findings if each.mark == WARNING]
    assert missing.message == "dev: no row of a (10), b (12)"


def test_a_split_without_rows_is_not_judged(tmp_path: Path) -> None:
    found = section(tmp_path, train=rows(a=10, b=10), dev=rows(a=1, b=1), test=[("a", "")])
    assert not [each for each in found.findings if each.message.startswith("test")]


def test_many_and_long_labels_are_cut_short(tmp_path: Path) -> None:
    train = rows(**{f"{'x' * 90}{number}": 2 for number in range(30)})
    found = section(tmp_path, train=train, dev=0.5)
    assert len(found.lines) == 1 + 20 + 1
    assert found.lines[-1] == "… and 10 more"
    assert max(map(len, found.lines)) < 90
    assert len(found.facts["train"]) == 30
