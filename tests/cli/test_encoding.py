"""A `fit` of so much text that other processes encode it: they end with it, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqtrain.data.workers import START_BYTES, usable_processes
from tests.cli.command import PATIENCE, finish, start
from tests.running import is_running

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc that tells of processes"),
    pytest.mark.skipif(usable_processes() == 1, reason="one core: no process is started"),
]

ROWS = f"neg\t{'not as good as the other ones, ' * 100}\npos\t{'better than the others, ' * 100}\n".encode()


def children(process: int) -> set[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def fit(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A fit with all its other processes started, and seconds of work before it."""
    (project / "train.tsv").write_bytes(ROWS * (12 * START_BYTES // len(ROWS)))
    process = start("fit", "configs/reviews.yaml", cwd=project)
    wait_until(lambda: len(children(process.pid)) == usable_processes())
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("number", "exit_code", "message"),
    [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n"), (signal.SIGKILL, -9, "")],
)
def test_no_process_survives_the_command(
    fit: subprocess.Popen[str], number: signal.Signals, exit_code: int, message: str
) -> None:
    workers = children(fit.pid)
    fit.send_signal(number)
    assert finish(fit) == (exit_code, "", message)
    wait_until(lambda: not any(map(is_running, workers)))


def test_a_process_that_is_killed_ends_the_command(project: Path, fit: subprocess.Popen[str]) -> None:
    workers = children(fit.pid)
    os.kill(min(workers), signal.SIGKILL)
    assert finish(fit) == (
        1,
        "",
        "error: a process that encodes texts was killed by SIGKILL\n"
        "  Is there enough memory? With training.threads: 1 no further process is started.\n",
    )
    assert not any(map(is_running, workers))
    assert not (project / "runs").exists()
