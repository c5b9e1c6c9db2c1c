from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqtrain.data.checks.files import files_section
from seqtrain.data.checks.report import ERROR, PASSED, WARNING, Finding, Section
from seqtrain.data.checks.survey import look_through
from seqtrain.data.problems import SHOWN
from seqtrain.data.splits import Splits
from tests.unit.data.checks.places import TOKENIZER, splits

GOOD = [("a", "x"), ("b", "y")]


def section(places: Splits, *, skip: bool = False) -> Section:
    return files_section(look_through(places, TOKENIZER), skip=skip)


def test_good_files(tmp_path: Path) -> None:
    found = section(splits(tmp_path, train=GOOD * 2, dev=0.5, test=GOOD))
    assert found.findings == [
        Finding(PASSED, "train: all rows can be used"),
        Finding(PASSED, "test: all rows can be used"),
    ]
    assert [line.split("  ")[0] for line in found.lines[1:]] == ["train", "dev", "test"]
    assert found.facts["test"] == {
        "files": {str(tmp_path / "test.tsv"): 8},
        "used": 2,
        "rejected": 0,
        "kinds": {},
        "first": [],
        "failure": None,
    }


@pytest.mark.parametrize(
    ("skip", "mark", "advice"),
    [
        (False, ERROR, "Correct these rows or take them out, or set data.bad_rows: skip."),
        (True, WARNING, "Correct these rows or take them out."),
    ],
)
def test_bad_rows_are_counted_and_the_first_are_shown(
    tmp_path: Path, skip: bool, mark: str, advice: str
) -> None:
    found = section(splits(tmp_path, train=[*GOOD, *[("a", "")] * 30], dev=GOOD), skip=skip)
    finding = found.findings[0]
    assert (finding.mark, finding.advice) == (mark, advice)
    assert finding.message == "train: 2 rows used, 30 rejected: 30 empty text"
    assert len(finding.examples) == SHOWN + 1
    assert finding.examples[0].startswith(f"{tmp_path / 'train.tsv'}:3:")
    assert finding.examples[-1] == "… and 10 more"
    assert found.facts["train"]["kinds"] == {"empty text": 30}


@pytest.mark.parametrize("skip", [False, True])
def test_no_row_left_is_always_an_error(tmp_path: Path, skip: bool) -> None:
    found = section(splits(tmp_path, train=GOOD, dev=[("a", "")]), skip=skip)
    assert found.findings[-1].mark == ERROR
    assert found.findings[-1].message == "dev: no row is left"


def test_texts_without_a_token(tmp_path: Path) -> None:
    found = section(splits(tmp_path, train=[*GOOD, ("a", "\u200b"), ("b", "...")], dev=GOOD))
    assert [each.message for each in found.findings if each.mark == WARNING] == [
        "train: 1 text without a token"
    ]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    places = replace(splits(tmp_path, train=GOOD, dev=GOOD), test=str(tmp_path / "tset.tsv"))
    found = section(places)
    problem = found.findings[-1]
    assert problem.mark == ERROR
    assert problem.message == f"test: {tmp_path / 'tset.tsv'}: no such file"
    assert problem.advice.startswith("Did you mean ")
    assert found.facts["test"]["failure"].startswith(str(tmp_path / "tset.tsv"))
