"""Bad input: the exit code, a message with place, reason and remedy, and nothing changed on the disk."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.command import seqtrain, tree
from tests.cli.conftest import Fitted
from tests.crashes.process import forked

GOOD = "neg\tbad\npos\tgood\n"
REMEDY = "  Correct these rows or take them out.\n"
FIT = ("fit", "configs/reviews.yaml")

# name: (content of train.tsv or None for no file, further options, what is said)
BAD_TRAIN: dict[str, tuple[bytes | None, tuple[str, ...], str]] = {
    "missing": (None, (), "error: train.tsv: no such file\n  Paths start where the command runs.\n"),
    "empty": (b"", (), "error: train.tsv: no rows to read\n  Labelled data needs at least one.\n"),
    "one class": (
        b"pos\tgood\npos\tfine\n",
        (),
        "error: train.tsv: every row has the label 'pos'\n"
        "  A classifier needs at least two labels. Is data.columns.label the right column?\n",
    ),
    "a class too small to stratify": (
        GOOD.encode() * 2 + b"mixed\tso so\n",
        (),
        "error: a dev share takes two rows of each label, but there is only one of 'mixed'\n"
        "  Add rows, take the label out, or name a file of its own for data.dev.\n",
    ),
    "a row without a label": (
        GOOD.encode() + b"\tso so\nso so\n",
        (),
        "error: 2 of 4 rows cannot be used: 1 empty label, 1 missing column\n"
        "  train.tsv:3:1: the label is empty\n"
        "  train.tsv:4: 1 column where line 1 has 2; a tab separates columns and cannot be part of a text\n"
        + REMEDY,
    ),
    "not UTF-8": (
        GOOD.encode() + "pos\tcafé\n".encode("latin-1"),
        (),
        "error: 1 of 3 rows cannot be used: 1 undecodable bytes\n"
        "  train.tsv:3:8: byte 0xe9 is not UTF-8; convert the file to UTF-8\n" + REMEDY,
    ),
    "UTF-16": (
        GOOD.encode("utf-16"),
        (),
        "error: train.tsv: is UTF-16, not UTF-8\n  Convert it: iconv -f UTF-16 -t UTF-8\n",
    ),
    "empty text": (
        GOOD.encode() + b"pos\t\npos\t \t\n",
        (),
        "error: 2 of 4 rows cannot be used: 1 empty text, 1 extra column\n"
        "  train.tsv:3:5: the text is empty\n"
        "  train.tsv:4:7: 3 columns where line 1 has 2; a tab separates columns and cannot be part of a text\n"
        + REMEDY,
    ),
    "a long line": (
        GOOD.encode() + b"pos\t" + b"x" * 16 + b"\n" + GOOD.encode(),
        ("--set", "data.max_line_bytes=19"),
        "error: 1 of 5 rows cannot be used: 1 line too long\n"
        "  train.tsv:3: the line has more than 19 bytes; shorten it or raise data.max_line_bytes\n" + REMEDY,
    ),
    "a line over the default limit": (
        GOOD.encode() + b"pos\t" + b"x" * 2**20 + b"\n",
        (),
        "error: 1 of 3 rows cannot be used: 1 line too long\n"
        "  train.tsv:3: the line has more than 1,048,576 bytes; shorten it or raise data.max_line_bytes\n"
        + REMEDY,
    ),
}


@pytest.mark.parametrize("name", BAD_TRAIN)
def test_bad_training_data(project: Path, name: str) -> None:
    content, options, message = BAD_TRAIN[name]
    (project / "train.tsv").unlink()
    if content is not None:
        (project / "train.tsv").write_bytes(content)
    before = tree(project)
    assert forked(*FIT, *options, cwd=project) == (3, "", message)
    assert tree(project) == before


def fails_without_a_trace(project: Path, *options: str, exit_code: int = 3) -> str:
    """What is said on standard error."""
    before = tree(project)
    result = forked(*FIT, *options, cwd=project)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert tree(project) == before
    return result.stderr


def test_a_folder_in_place_of_a_file(project: Path) -> None:
    assert fails_without_a_trace(project, "--set", "data.train=configs") == (
        "error: configs: is a folder\n  Name the files in it, one by one or by a pattern.\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file(project: Path) -> None:
    (project / "train.tsv").chmod(0)
    result = forked(*FIT, cwd=project)
    assert result == (3, "", "error: train.tsv: cannot be read: Permission denied\n")
    assert not (project / "runs").exists()


def test_a_damaged_file(project: Path) -> None:
    (project / "train.tsv.gz").write_bytes(gzip.compress(b"neg\tbad\npos\tgood\n" * 1000)[:-9])
    message = fails_without_a_trace(project, "--set", "data.train=train.tsv.gz")
    assert message.startswith("error: train.tsv.gz: damaged gzip data: ")
    assert message.endswith("\n  Fetch the file again.\n")


def test_all_missing_files_are_told_at_once_that_of_test_included(project: Path) -> None:
    missing = [f"--set=data.{split}=no/{split}.tsv" for split in ("train", "dev", "test")]
    assert fails_without_a_trace(project, *missing) == "error: " + "".join(
        f"no/{split}.tsv: no such file\n  Paths start where the command runs.\n"
        for split in ("train", "dev", "test")
    )


def test_a_label_in_dev_that_train_lacks(project: Path) -> None:
    (project / "dev.tsv").write_text("pos\tgood\npostive\tfine\nneg\tbad\n")
    assert fails_without_a_trace(project, "--set", "data.dev=dev.tsv") == (
        "error: 1 of 403 rows cannot be used: 1 unknown label\n"
        "  dev.tsv:2: label 'postive' is not among neg, pos. Did you mean 'pos'?\n" + REMEDY
    )


def test_a_label_in_test_that_train_lacks(fitted: Fitted, tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text("pos\tgood\nneutral\tfine\nneg\tbad\n")
    before = tree(fitted.run)
    result = seqtrain("eval", "--run", fitted.run, "--data", "test.tsv", cwd=tmp_path)
    assert result == (
        3,
        "",
        "error: 1 of 3 rows cannot be used: 1 unknown label\n"
        "  test.tsv:2: label 'neutral' is not among neg, pos.\n" + REMEDY,
    )
    assert tree(fitted.run) == before


def test_every_bad_row_is_counted_and_the_first_twenty_are_shown(project: Path) -> None:
    (project / "train.tsv").write_text(GOOD + "pos\t\n" * 1500)
    lines = fails_without_a_trace(project).splitlines()
    assert lines[0] == "error: 1,500 of 1,502 rows cannot be used: 1,500 empty text"
    assert lines[1:21] == [f"  train.tsv:{line}:5: the text is empty" for line in range(3, 23)]
    assert lines[21:] == ["  … and 1,480 more", REMEDY.rstrip("\n")]


def test_an_older_run_stays_whole_when_the_new_one_fails(fitted: Fitted, project: Path) -> None:
    shutil.copytree(fitted.run, project / "runs" / "reviews")
    (project / "train.tsv").write_text("pos\t\n")
    fails_without_a_trace(project, "--overwrite")
    assert tree(project / "runs" / "reviews") == fitted.files


@pytest.mark.parametrize("command", [("predict", "--text", "fine"), ("eval",)])
@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("configs", "error: configs: holds no run\n  Train one with `seqtrain fit CONFIG`.\n"),
        (
            "train.tsv",
            "error: train.tsv: is no model that seqtrain wrote: it is no model file\n"
            "  Is it the model.onnx that `seqtrain fit` wrote?\n",
        ),
        ("runs/x", "error: runs/x: no such run\n  Train one with `seqtrain fit CONFIG`.\n"),
        (
            None,
            "error: runs: no run in it\n  Train one with `seqtrain fit CONFIG`, or name one with --run.\n",
        ),
    ],
)
def test_a_run_folder_that_is_none(
    project: Path, command: tuple[str, ...], run: str | None, message: str
) -> None:
    before = tree(project)
    assert seqtrain(*command, *(["--run", run] if run else []), cwd=project) == (4, "", message)
    assert tree(project) == before


def test_a_mistyped_run(fitted: Fitted) -> None:
    result = seqtrain("predict", "--run", "runs/revews", "--text", "fine", cwd=fitted.folder)
    assert result == (4, "", "error: runs/revews: no such run\n  Did you mean 'runs/reviews'?\n")


def test_a_mistyped_model_file(fitted: Fitted, tmp_path: Path) -> None:
    shutil.copy(fitted.run / "model.onnx", tmp_path / "reviews.onnx")
    result = seqtrain("predict", "--run", "reviews.onx", "--text", "fine", cwd=tmp_path)
    assert result == (4, "", "error: reviews.onx: no such file\n  Did you mean 'reviews.onnx'?\n")


@pytest.mark.parametrize("content", [b"", b"not a model", None])
def test_a_damaged_or_missing_model(fitted: Fitted, tmp_path: Path, content: bytes | None) -> None:
    run = tmp_path / "run"
    shutil.copytree(fitted.run, run)
    (run / "model.onnx").unlink()
    if content is not None:
        (run / "model.onnx").write_bytes(content)
    result = seqtrain("predict", "--run", "run", "--text", "fine", cwd=tmp_path)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("error: run/model.onnx: ")
    assert result.stderr.count("\n") == 2, "a reason and a remedy"


DEBUG = ("predict", "--run", "configs", "--text", "fine")


@pytest.mark.parametrize("arguments", [("--debug", *DEBUG), (*DEBUG, "--debug")])
def test_debug_shows_the_traceback(project: Path, arguments: tuple[str, ...]) -> None:
    result = seqtrain(*arguments, cwd=project)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("\nerror: configs: holds no run\n  Train one with `seqtrain fit CONFIG`.\n")
