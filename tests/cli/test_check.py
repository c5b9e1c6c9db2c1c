"""`seqtrain check data` and `seqtrain check config`, at the front door."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from seqtrain.cli.check import COMMANDS
from seqtrain.cli.check import command as group
from seqtrain.config import load_config
from tests.cli.command import seqtrain, tree
from tests.crashes.process import forked
from tests.project import TEST, TRAIN, table

CONFIG = "configs/reviews.yaml"
FAILED = f"error: {CONFIG}: the data have errors\n  See the lines with ✘.\n"


def facts(project: Path, *arguments: str) -> Any:
    result = forked("check", "data", CONFIG, "--json", *arguments, cwd=project)
    assert (result.exit_code, result.stderr) == (0, "")
    return {name: section["facts"] for name, section in json.loads(result.stdout)["sections"].items()}


def test_help_lists_every_check(tmp_path: Path) -> None:
    result = seqtrain("check", "--help", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    listed = result.stdout.split("Commands:\n")[1]
    assert re.findall(r"^  (\S+)  +(.+)$", listed, re.MULTILINE) == list(COMMANDS.items())


BEFORE_TRAINING = ("data", "config")  # the others want a run


def examples() -> list[str]:
    """The examples at the end of the help of each check."""
    helps = [each.help or "" for name in BEFORE_TRAINING if (each := group.get_command(None, name))]  # type: ignore[arg-type]
    return [line.strip() for text in helps for line in text.split("Examples:\n")[1].strip().splitlines()]


@pytest.mark.parametrize("line", examples())
def test_the_examples_work_and_change_nothing(project: Path, line: str) -> None:
    before = tree(project)
    result = seqtrain(*shlex.split(line)[1:], cwd=project)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout
    assert tree(project) == before


def test_the_report(project: Path) -> None:
    """Plain text where there is no terminal; a line for each check, and as many as the last line says."""
    result = seqtrain("check", "data", CONFIG, cwd=project)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    *_, last = lines = result.stdout.splitlines()
    titles = [after for before, after in zip(["", *lines], lines, strict=False) if not before]
    assert titles[:-1] == [
        "Files and rows",
        "Labels",
        "Duplicates",
        "Texts shared by the splits",
        "Characters",
        "Lengths in tokens",
        "Vocabulary",
        "Batches",
        "What training takes on this machine, roughly",
    ]
    marks = [sum(line.startswith(mark) for line in lines) for mark in "✔⚠✘"]
    assert re.findall(r"\d+", last) == list(map(str, marks))
    assert marks[2] == 0
    assert "✔ train: 2 labels, each of 10 rows or more" in lines


def test_the_facts_are_those_of_the_files(project: Path) -> None:
    found = facts(project)
    assert found["files"]["train"]["used"] == len(TRAIN)
    assert found["labels"]["dev"] == {"neg": 50, "pos": 50}
    assert found["labels"]["test"] == {"neg": 30, "pos": 30}
    seen = {text for _, text in TRAIN}
    shared = sum(text in seen for _, text in TEST)
    overlaps = found["overlaps"]
    assert (
        overlaps["train_test"]["exact"]
        <= shared
        <= sum(overlaps[pair]["exact"] for pair in ("train_test", "dev_test"))
    )
    assert found["characters"] == dict.fromkeys(
        ("mojibake", "replaced", "mixed_scripts", "control_characters"), 0
    )


def test_the_encoded_texts_do_not_depend_on_processes(project: Path) -> None:
    (project / "train.tsv").write_text(table(TRAIN * 300), "utf-8")  # enough for processes of their own
    several, one = (facts(project, "--set", f"training.threads={threads}") for threads in (2, 1))
    del several["cost"], one["cost"]
    assert several == one


def test_errors_are_reported_in_full_and_end_with_3(project: Path) -> None:
    (project / "train.tsv").write_text(table([*TRAIN, ("pos", "")]), "utf-8")
    (project / "test.tsv").unlink()
    result = seqtrain("check", "data", CONFIG, cwd=project)
    assert (result.exit_code, result.stderr) == (3, FAILED)
    errors = [line for line in result.stdout.splitlines() if line.startswith("✘")]
    assert errors == [
        f"✘ train: {len(TRAIN)} rows used, 1 rejected: 1 empty text",
        "✘ test: test.tsv: no such file",
    ]
    assert f"\n    train.tsv:{len(TRAIN) + 1}:" in result.stdout
    assert result.stdout.endswith(", 2 errors\n")


def test_errors_as_json(project: Path) -> None:
    (project / "train.tsv").write_text(table([("pos", "x")] * 3), "utf-8")
    result = seqtrain("check", "data", CONFIG, "--json", cwd=project)
    assert (result.exit_code, result.stderr) == (3, FAILED)
    assert json.loads(result.stdout)["errors"] == 2  # train has one label, and test another one


def test_skipped_rows_are_no_error(project: Path) -> None:
    (project / "train.tsv").write_text(table([*TRAIN, ("pos", "")]), "utf-8")
    found = facts(project, "--set", "data.bad_rows=skip")
    assert found["files"]["train"]["kinds"] == {"empty text": 1}


def test_the_folder_for_temporary_files_is_left_empty(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setitem(os.environ, "TMPDIR", str(folder))
    monkeypatch.setattr("tests.cli.command.ENVIRONMENT", dict(os.environ))
    assert seqtrain("check", "data", CONFIG, cwd=project).exit_code == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("check", BEFORE_TRAINING)
def test_a_wrong_config(project: Path, check: str) -> None:
    assert seqtrain("check", check, CONFIG, "--set", "model.cell=lstmm", cwd=project) == (
        2,
        "",
        "error: --set model.cell=lstmm: model.cell: 'lstmm' is not one of lstm, gru, rnn. Did you mean 'lstm'?\n",
    )


NO_VECTORS = "model.vectors: no.txt: no such file"


def test_missing_vectors_are_told_by_both(project: Path) -> None:
    missing = ("--set", "model.vectors=no.txt")
    data = seqtrain("check", "data", CONFIG, *missing, cwd=project)
    assert (data.exit_code, data.stderr) == (3, FAILED)
    assert f"\nWord vectors\n✘ {NO_VECTORS}\n  → Paths start where the command runs.\n" in data.stdout
    config = seqtrain("check", "config", CONFIG, *missing, cwd=project)
    assert config.exit_code == 3
    assert config.stderr == f"error: {NO_VECTORS}\n  Paths start where the command runs.\n"
    assert "  vectors: no.txt  # --set model.vectors=no.txt\n" in config.stdout


def test_vectors_have_to_fit_the_embedding(project: Path) -> None:
    (project / "v.txt").write_text("film 1 2 3\n")
    for size, code in ((2, 2), (3, 0)):
        options = ("--set", "model.vectors=v.txt", "--set", f"model.embedding_size={size}")
        assert seqtrain("check", "config", CONFIG, *options, cwd=project).exit_code == code
    assert facts(project, *options)["vectors"]["found"] == 1


def test_the_config_with_its_origins(project: Path) -> None:
    override = "training.epochs=7"
    result = seqtrain("check", "config", CONFIG, "--set", override, cwd=project)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    for line in (
        f"  train: train.tsv  # {CONFIG}:1",
        f"  units: 8  # {CONFIG}:3",
        f"    words: 0.1  # {CONFIG}:3",
        "  cell: lstm  # default",
        f"  epochs: 7  # --set {override}",
    ):
        assert line in lines
    (project / "again.yaml").write_text(result.stdout)
    again, config = load_config(project / "again.yaml"), load_config(project / CONFIG, [override])
    assert again.model_dump() == config.model_dump()
