from __future__ import annotations

import os
from pathlib import Path

import pytest

from seqtrain.cli.console import Console, facts
from seqtrain.errors import RunError
from seqtrain.run import Run


@pytest.mark.parametrize(("quiet", "shown"), [(False, "one\ntwo\n"), (True, "")])
def test_lines_go_to_standard_error_and_from_attach_on_to_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet: bool, shown: str
) -> None:
    console, run = Console(quiet), Run(tmp_path)
    console.say("one")
    console.attach(run)
    console.say("two")
    assert capsys.readouterr() == ("", shown)
    assert run.log_file.read_text() == "two\n"


def test_what_a_file_is_called_commands_no_terminal_and_spoils_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console, run = Console(), Run(tmp_path)
    console.attach(run)
    console.say("\x1b[2J.tsv\tfound")
    console.note(os.fsdecode(b"\xff.tsv\tfound"))
    assert capsys.readouterr().err == "\\x1b[2J.tsv\tfound\n"
    assert run.log_file.read_text() == "\\x1b[2J.tsv\tfound\n\\udcff.tsv\tfound\n"


def test_the_log_moves_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    console, run = Console(quiet=True), Run(tmp_path / "new")
    console.attach(run)
    console.say("one")
    run.path = run.path.rename(tmp_path / "reviews")
    console.say("zwölf")
    assert run.log_file.read_text("utf-8") == "one\nzwölf\n"


def test_when_nobody_reads_standard_error_the_log_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training is not to end because a terminal was closed."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        console = Console()
        console.attach(Run(tmp_path))
        console.say("one")
        console.say("two")
        monkeypatch.undo()
        assert (tmp_path / "run.log").read_text() == "one\ntwo\n"
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # where closing may flush what is left


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    console = Console(quiet=True)
    console.attach(Run(tmp_path / "gone"))
    with pytest.raises(RunError, match=r"run\.log: cannot be written: No such file"):
        console.say("one")


def test_facts() -> None:
    assert facts("data", "train 12 rows", "dev 3 rows") == "data      train 12 rows\n          dev 3 rows"
