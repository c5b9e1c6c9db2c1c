from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.reader import BadRow, Example
from seqtrain.data.splits import Splits
from seqtrain.data.splitting import stratified_share
from seqtrain.errors import DataError, UsageError
from tests.strategies import seeds

SPLITS = Splits("train.tsv", "dev.tsv", "test.tsv", columns=None, split_seed=1, max_line_bytes=1000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file for each split."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "dev", "test"):
        Path(f"{split}.tsv").write_text(f"neg\tbad {split}\npos\tgood {split}\n")
    return tmp_path


def texts(splits: Splits, split: str) -> list[str]:
    return [row.text for row in splits.rows(split) if isinstance(row, Example)]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_splits_of_files_are_all_their_rows(folder: Path, split: str) -> None:
    assert texts(SPLITS, split) == [f"bad {split}", f"good {split}"]
    assert not SPLITS.is_drawn(split)


@given(
    labels=st.lists(st.sampled_from("abc"), max_size=40),
    share=st.floats(0.01, 0.99),
    seed=seeds,
    bad_lines=st.sets(st.integers(0, 40)),
)
def test_a_share_of_train_is_what_stratified_share_draws(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], share: float, seed: int, bad_lines: set[int]
) -> None:
    """Rows that cannot be used count for nothing; they come with either side, to be told."""
    labels = [*"aabbcc", *labels]
    lines = [f"{label}\ttext {number}" for number, label in enumerate(labels)]
    for number in sorted(bad_lines, reverse=True):
        lines.insert(number, "broken")
    file = tmp_path_factory.mktemp("share") / "train.tsv"
    file.write_text("".join(f"{line}\n" for line in ["a\tfirst", *lines]))
    splits = replace(SPLITS, train=str(file), dev=share, split_seed=seed)
    expected = stratified_share([ord(label) - ord("a") for label in ["a", *labels]], share, seed)
    usable = ["first", *(f"text {number}" for number in range(len(labels)))]
    for split, rows in zip(("train", "dev"), expected, strict=True):
        assert splits.is_drawn(split)
        assert texts(splits, split) == [usable[row] for row in rows]
        bad = [row for row in splits.rows(split) if isinstance(row, BadRow)]
        assert len(bad) == lines.count("broken")


def test_a_share_of_a_single_row_names_the_label(folder: Path) -> None:
    Path("train.tsv").write_text("neg\tbad\npos\tgood\npos\tfine\n")
    with pytest.raises(DataError, match="only one of 'neg'"):
        texts(replace(SPLITS, dev=0.5), "dev")


def test_bad_rows_come_even_if_no_other_is_left(folder: Path) -> None:
    Path("train.tsv").write_text("pos\t\n")
    assert [type(row) for row in replace(SPLITS, dev=0.5).rows("dev")] == [BadRow]


def test_a_split_that_is_not_there() -> None:
    with pytest.raises(UsageError) as caught:
        replace(SPLITS, test=None).files("test")
    assert str(caught.value) == (
        "the config names no test split\n  Name a file with --data, or another --split."
    )


def test_the_files_of_a_share_are_those_of_train() -> None:
    assert replace(SPLITS, dev=0.1).files("dev") == "train.tsv"


def test_all_files(folder: Path) -> None:
    assert SPLITS.all_files() == [Path("train.tsv"), Path("dev.tsv"), Path("test.tsv")]
    assert replace(SPLITS, dev=0.5, test=["t*.tsv"]).all_files() == [Path("train.tsv"), Path("test.tsv")]
    assert replace(SPLITS, test=None).all_files() == [Path("train.tsv"), Path("dev.tsv")]
    with pytest.raises(DataError) as caught:
        replace(SPLITS, dev="none.tsv", test=["nor this.tsv", "test.tsv"]).all_files()
    assert [line for line in str(caught.value).splitlines() if "no such file" in line] == [
        "none.tsv: no such file",
        "nor this.tsv: no such file",
    ]


def test_from_elsewhere_names_start_at_the_folder_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SPLITS.seen_from(".") == SPLITS == SPLITS.seen_from(str(folder)), "so messages stay short"
    odd = folder / "a [1] folder*"
    odd.mkdir()
    splits = replace(SPLITS, train=["t*n.tsv", str(folder / "dev.tsv")], dev=0.5, test="../test.tsv")
    (odd / "train.tsv").write_text("neg\tthat of the odd folder\n")
    seen = splits.seen_from(str(odd))
    assert [row.text for row in seen.read("train") if isinstance(row, Example)] == [
        *("that of the odd folder", "bad dev", "good dev")
    ]
    assert texts(seen, "test") == ["bad test", "good test"]
    assert seen.dev == 0.5
    assert replace(SPLITS, test=None).seen_from(str(odd)).test is None
