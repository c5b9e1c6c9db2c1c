"""What one pass over the files keeps of each row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqtrain.data.checks import survey
from seqtrain.data.checks.survey import Survey, look_through
from seqtrain.data.reader import Columns, Example
from seqtrain.data.splits import Splits
from tests.unit.data.checks.places import TOKENIZER, splits

TRAIN = [(("neg", "pos")[row % 3 == 0], f"text {row}") for row in range(40)]


def read(places: Splits, split: str) -> list[tuple[str, str | None]]:
    rows = [row for row in places.rows(split) if isinstance(row, Example)]
    return [(f"{row.file}:{row.line}", row.label) for row in rows]


def kept(found: Survey, split: str) -> list[tuple[str, str]]:
    rows = found.rows[split]
    return [(found.location(rows, row), found.labels[rows.labels[row]]) for row in range(len(rows))]


def test_a_drawn_dev_is_the_one_that_fit_draws(tmp_path: Path) -> None:
    places = splits(tmp_path, train=TRAIN, dev=0.3, test=TRAIN[5:9])
    found = look_through(places, TOKENIZER)
    assert list(found.rows) == ["train", "dev", "test"]
    assert {split: kept(found, split) for split in found.rows} == {
        split: read(places, split) for split in ("train", "dev", "test")
    }
    assert found.counts("dev").tolist() == [4, 8]  # 0.3 of 14 pos, which comes first, and of 26 neg
    assert found.undrawn == ""


def test_texts_are_equal_if_their_hashes_are(tmp_path: Path) -> None:
    train = [("a", "good film"), ("b", "Good film."), ("a", "good  film"), ("b", "good film"), ("a", "other")]
    rows = look_through(splits(tmp_path, train=train, dev=[("a", "x")]), TOKENIZER).rows["train"]
    assert [int(each == rows.texts[0]) for each in rows.texts] == [1, 0, 0, 1, 0]
    assert [int(each == rows.normalised[0]) for each in rows.normalised] == [1, 1, 1, 1, 0]


def test_sources_have_sizes_and_problems(tmp_path: Path) -> None:
    places = splits(tmp_path, train=[("a", "x"), ("b", ""), ("b", "y"), ("b", "\u200b")], dev=[("a", "z")])
    found = look_through(places, TOKENIZER)
    source = found.sources["train"]
    assert source.files == {str(tmp_path / "train.tsv"): (tmp_path / "train.tsv").stat().st_size}
    assert (source.problems.used, dict(source.problems.kinds)) == (3, {"empty text": 1})
    assert source.empty == 1
    assert [place for place, _ in kept(found, "train")] == [
        f"{tmp_path / 'train.tsv'}:{line}" for line in (1, 3, 4)
    ]


def test_what_cannot_be_read_is_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    places = splits(tmp_path, train=TRAIN, dev=TRAIN[:2], test=TRAIN[:3])
    (tmp_path / "dev.tsv").unlink()
    found = look_through(places, TOKENIZER)
    assert found.sources["dev"].failure.startswith(f"{tmp_path / 'dev.tsv'}: no such file")
    assert {split: len(rows) for split, rows in found.rows.items()} == {"train": 40, "dev": 0, "test": 3}
    assert found.filled == ["train", "test"]


def test_a_header_without_the_column_is_noted(tmp_path: Path) -> None:
    places = replace(splits(tmp_path, train=TRAIN, dev=TRAIN), columns=Columns("label", "text"))
    assert "no column 'text'" in look_through(places, TOKENIZER).sources["train"].failure


@pytest.mark.parametrize("train", [[("a", "x"), ("b", "y"), ("b", "z")], []])
def test_no_dev_can_be_drawn(tmp_path: Path, train: list[tuple[str, str]]) -> None:
    found = look_through(splits(tmp_path, train=train, dev=0.5), TOKENIZER)
    assert (len(found.rows["train"]), len(found.rows["dev"])) == (len(train), 0)
    assert ("only one of 'a'" in found.undrawn) == bool(train)
    assert bool(found.sources["train"].failure) == (not train)


def test_labels_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label column that is not one must not fill the memory; other splits are read all the same."""
    monkeypatch.setattr(survey, "MOST_LABELS", 3)
    train = [(str(row % 5), "x") for row in range(10)]
    found = look_through(splits(tmp_path, train=train, dev=train[:3]), TOKENIZER)
    assert found.labels == ["0", "1", "2"]
    assert found.sources["train"].failure.startswith(
        f"{tmp_path / 'train.tsv'}:4: here is one label more than 3"
    )
    assert {split: len(rows) for split, rows in found.rows.items()} == {"train": 3, "dev": 3}


def test_a_row_is_kept_in_a_few_bytes(tmp_path: Path) -> None:
    rows = look_through(splits(tmp_path, train=TRAIN, dev=TRAIN), TOKENIZER).rows["train"]
    assert sum(column.nbytes for column in vars(rows).values()) == 32 * len(TRAIN)
