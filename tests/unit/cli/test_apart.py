"""A command in another process, which here only does what a test wants: `seqtrain.cli.main` is replaced there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqtrain.cli import apart
from seqtrain.cli.apart import run_apart
from seqtrain.errors import RunError
from tests.cli.command import PATIENCE

WAITS = "open('there', 'w').write(str(os.getpid())); time.sleep(600)"
"""Tells that it runs, and waits."""


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the other process do something else."""
    return lambda code: monkeypatch.setattr(apart, "_CODE", instead(code))


def instead(code: str) -> str:
    return (
        "import os, signal, sys, time; sys.path[:] = {path!r}; import seqtrain.cli; from seqtrain.cli import apart\n"
        f"def main():\n    {code}\n"
        "seqtrain.cli.main = main\napart.main()"
    )


def program(code: str) -> str:
    """A program that calls `run_apart` and tells how that ended; its other process does as `code` says."""
    return (
        "import signal, sys\nfrom seqtrain.cli import _terminate, apart\n"
        "signal.signal(signal.SIGTERM, _terminate)\n"
        f"apart._CODE = {instead(code)!r}\n"
        "try:\n    print('code', apart.run_apart(['fit']))\n"
        "except BaseException as error:\n    print(type(error).__name__)\n"
    )


def started(code: str, folder: Path) -> subprocess.Popen[str]:
    """That program, with its other process under way."""
    process = subprocess.Popen(
        [sys.executable, "-c", program(code)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    other_process(folder)
    return process


def other_process(folder: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while not (folder / "there").exists() or not (folder / "there").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int((folder / "there").read_text())


def answer(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=PATIENCE)[0]


def test_it_gets_its_arguments_and_answers_with_its_code(
    does: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    does("print('lost'); print(*sys.argv[1:], file=sys.stderr); sys.exit(3)")
    assert run_apart(["fit", "--out=a b", "ü"]) == 3
    assert capfd.readouterr() == ("", "fit --out=a b ü\n")


def test_it_is_the_command_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_apart(["fit", "no such.yaml"]) == 2
    assert capfd.readouterr() == ("", "error: no such.yaml: no such file. Name a YAML file.\n")


def test_that_it_was_killed_is_an_error(does: Callable[[str], None]) -> None:
    does("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RunError, match="the process of `seqtrain fit` was killed by SIGKILL"):
        run_apart(["fit"])


def test_what_a_terminal_sends_to_all_of_its_processes_does_not_reach_it_twice(
    does: Callable[[str], None],
) -> None:
    does("sys.exit(os.getpgrp() == os.getpid())")
    assert run_apart(["fit"]) == 1


ANSWERS = f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); {WAITS}"


def test_a_signal_is_for_the_other_process_which_may_answer_it(tmp_path: Path) -> None:
    process = started(ANSWERS, tmp_path)
    process.send_signal(signal.SIGTERM)
    assert answer(process) == "code 143\n"


@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGTERM, "Terminated\n"), (signal.SIGINT, "KeyboardInterrupt\n")]
)
def test_a_signal_that_kills_the_other_process_acts_on_this_one(
    number: signal.Signals, outcome: str, tmp_path: Path
) -> None:
    process = started(f"signal.signal(signal.SIGINT, signal.SIG_DFL); {WAITS}", tmp_path)
    process.send_signal(number)
    assert answer(process) == outcome


def test_a_signal_that_comes_too_late_for_the_other_process_is_not_lost(tmp_path: Path) -> None:
    slow = WAITS.replace("600", "1")
    process = started(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {slow}", tmp_path)
    process.send_signal(signal.SIGTERM)
    assert answer(process) == "Terminated\n"


def test_it_ends_when_this_process_is_killed(tmp_path: Path) -> None:
    process = started(WAITS, tmp_path)
    other = other_process(tmp_path)
    process.kill()
    answer(process)
    deadline = time.monotonic() + PATIENCE
    while is_alive(other):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Whether it runs; what has ended and nobody has asked for does not."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
