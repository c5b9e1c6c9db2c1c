"""A `fit` of so much text that other processes encode it: they end with it, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from seqtrain.data.workers import START_BYTES, usable_processes
from tests.cli.command import finish, start
from tests.cli.test_signals import wait_until

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc that tells of processes"),
    pytest.mark.skipif(usable_processes() == 1, reason="one core: no process is started"),
]

ROWS = f"neg\t{'not as good as the other ones, ' * 100}\npos\t{'better than the others, ' * 100}\n".encode()


def children(process: int) -> set[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def feed(pipe: Path) -> None:
    """Writes for as long as somebody reads."""
    with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as stream:
        while True:
            stream.write(ROWS)


@pytest.fixture
def pipe(project: Path) -> Iterator[Path]:
    """The training file of the project: a pipe that stays open."""
    (project / "train.tsv").unlink()
    os.mkfifo(project / "train.tsv")
    keeper = os.open(project / "train.tsv", os.O_RDWR)
    yield project / "train.tsv"
    os.close(keeper)


@pytest.fixture
def fit(project: Path, pipe: Path) -> Iterator[subprocess.Popen[str]]:
    """A fit that has read much and waits for more, with all its other processes started."""
    process = start("fit", "configs/reviews.yaml", cwd=project)
    pipe.write_bytes(ROWS * (2 * START_BYTES // len(ROWS)))
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


def test_a_process_that_is_killed_ends_the_command(
    project: Path, pipe: Path, fit: subprocess.Popen[str]
) -> None:
    workers = children(fit.pid)
    os.kill(min(workers), signal.SIGKILL)
    threading.Thread(target=feed, args=[pipe]).start()
    assert finish(fit) == (
        1,
        "",
        "error: a process that encodes texts was killed by SIGKILL\n"
        "  Is there enough memory? With training.threads: 1 no further process is started.\n",
    )
    assert not any(map(is_running, workers))
    assert not (project / "runs").exists()
