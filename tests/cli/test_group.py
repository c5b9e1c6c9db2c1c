"""The command line as a whole: its help, its version, its names."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import sys
from pathlib import Path

import click
import pytest

import seqtrain as api
from seqtrain.cli import COMMANDS, group
from tests.cli.command import SEQTRAIN, call, seqtrain
from tests.cli.conftest import Fitted
from tests.project import TEST, table

PIPE = 'echo "a beautifully acted film" | seqtrain predict'


def test_version(tmp_path: Path) -> None:
    assert seqtrain("--version", cwd=tmp_path) == (0, f"seqtrain, version {api.__version__}\n", "")


def test_the_installed_script_is_the_same_command(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("seqtrain")
    assert call([str(script), "--help"], cwd=tmp_path) == call([*SEQTRAIN, "--help"], cwd=tmp_path)


def test_help_lists_every_command(tmp_path: Path) -> None:
    result = seqtrain("--help", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    listed = result.stdout.split("Commands:\n")[1]
    assert re.findall(r"^  (\S+)  +(.+)$", listed, re.MULTILINE) == list(COMMANDS.items())
    assert PIPE in result.stdout


def test_an_unknown_command(tmp_path: Path) -> None:
    result = seqtrain("train", cwd=tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\nError: No such command 'train'.\n")


def examples(name: str) -> list[str]:
    """The examples at the end of a command's help."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.help is not None
    return [line.strip() for line in command.help.split("Examples:\n")[1].strip().splitlines()]


def test_the_examples_of_fit_are_those_that_test_fit_test_resume_and_test_seeds_run() -> None:
    assert examples("fit") == [
        "seqtrain fit configs/reviews.yaml",
        "seqtrain fit configs/reviews.yaml --out runs/gru --set model.cell=gru --set training.seed=2",
        "seqtrain fit configs/reviews.yaml --resume",
        "seqtrain fit configs/reviews.yaml --out runs/five --seeds 5",
    ]


def test_the_other_example_of_export_is_that_which_test_export_runs() -> None:
    assert examples("export")[1:] == ["seqtrain export savedmodel served/1 --run runs/reviews"]


@pytest.mark.parametrize("line", [*examples("eval"), *examples("predict"), examples("export")[0], PIPE])
def test_the_other_examples_work(fitted: Fitted, tmp_path: Path, line: str) -> None:
    shutil.copytree(fitted.run, tmp_path / "runs" / "reviews")
    (tmp_path / "new.tsv").write_text(table(TEST), "utf-8")
    (tmp_path / "reviews.txt.gz").write_bytes(gzip.compress(b"great fun\n"))
    (tmp_path / "reviews.jsonl").write_text('{"id": 7, "text": "great fun"}\n')
    shutil.copy(fitted.folder / "train.tsv", tmp_path)
    scripts = str(Path(sys.executable).parent)
    line = line.replace("tail -f", "cat")  # which ends
    result = call(["sh", "-c", f"PATH={shlex.quote(scripts)}:$PATH; {line}"], cwd=tmp_path)
    assert result.exit_code == 0
    assert result.stdout or (tmp_path / "labels.jsonl").stat().st_size
