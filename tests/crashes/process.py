"""`seqtrain` in processes of its own that are struck at a chosen call of a function.

The code under test knows nothing of it: a process wraps the function before it calls the command line. Processes are
forked from one that has imported TensorFlow, and not used it, so that each is there at once.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pkgutil
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.command import PATIENCE, Result

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("tensorflow", "sklearn.metrics"),
        *("seqtrain.pipeline", "seqtrain.pipeline.training", "seqtrain.pipeline.export", __name__),
    ]
)


@dataclass(frozen=True)
class At:
    """A call of a function, such as "seqtrain.run:Run.seal", counted from 1: before it, or `after` it."""

    function: str
    call: int = 1
    after: bool = False

    def do(self, act: Callable[[], object]) -> None:
        """Has this process act there."""
        where, _, name = self.function.rpartition(".")
        if ":" not in where:
            where, name = self.function.split(":")
        owner = pkgutil.resolve_name(where)
        original, calls = getattr(owner, name), itertools.count(1)

        def wrapped(*arguments: Any, **keywords: Any) -> Any:
            strikes = next(calls) == self.call
            if strikes and not self.after:
                act()
            result = original(*arguments, **keywords)
            if strikes and self.after:
                act()
            return result

        setattr(owner, name, wrapped)


@dataclass(frozen=True)
class Strike:
    """Signals that the process sends itself, one after the other."""

    at: At
    numbers: tuple[signal.Signals, ...] = (signal.SIGKILL,)

    def __call__(self) -> None:
        self.at.do(lambda: [os.kill(os.getpid(), number) for number in self.numbers])


@dataclass(frozen=True)
class Hold:
    """Makes a file, and waits for ever."""

    at: At
    file: Path

    def __call__(self) -> None:
        def hold() -> None:
            self.file.touch()
            while True:
                signal.pause()

        self.at.do(hold)


@dataclass(frozen=True)
class LimitFiles:
    """No file may grow beyond so many bytes from there on; a write that would gets an error, as on a full disk."""

    at: At
    bytes: int

    def __call__(self) -> None:
        self.at.do(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (self.bytes, self.bytes)))


class Process:
    """A command under way."""

    def __init__(self, *arguments: str | Path, cwd: Path, before: Callable[[], object] | None = None) -> None:
        """before: is called first, in the new process."""
        self._output = tempfile.TemporaryDirectory()
        self._files = [Path(self._output.name, name) for name in ("stdout", "stderr")]
        command = [str(argument) for argument in arguments]
        # A daemon, so that a test that fails leaves nobody behind whom Python would wait for.
        self._process = FORKS.Process(target=_call, args=(command, cwd, self._files, before), daemon=True)
        self._process.start()

    def send(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait_for(self, file: Path) -> None:
        """Until a file is there."""
        deadline = time.monotonic() + PATIENCE
        while not file.exists():
            assert self.is_alive(), self.result()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def result(self) -> Result:
        """What it answers in the end; the exit code of a process that a signal ended is minus its number."""
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None
        with self._output:
            return Result(self._process.exitcode, *(file.read_text("utf-8") for file in self._files))


def forked(*arguments: str | Path, cwd: Path, before: Callable[[], object] | None = None) -> Result:
    """What a command answers."""
    return Process(*arguments, cwd=cwd, before=before).result()


def _call(arguments: list[str], cwd: Path, files: list[Path], before: Callable[[], object] | None) -> None:
    os.chdir(cwd)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["seqtrain", *arguments]
    # Its parts stay: the command imports it in no time, and sets its threads as if nobody had before.
    del sys.modules["tensorflow"]
    if before is not None:
        before()
    from seqtrain.cli import main

    main()
