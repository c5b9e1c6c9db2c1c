"""A contender's process seen from outside: asked for a round, it answers with figures; in between it sleeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

FOLDER = Path(__file__).parents[1]
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}

Figures = Mapping[str, float]


class Contender(NamedTuple):
    """name: in tables; module: of this package; way: one of those that its `prepare` knows; needs: a package."""

    name: str
    module: str
    way: str
    needs: str = "tensorflow"


@dataclass(frozen=True)
class Process:
    """A running contender; errors: the file with what it said on stderr, shown if it fails."""

    contender: Contender
    process: subprocess.Popen[str]
    errors: IO[str]

    def wait_until_ready(self) -> None:
        self._answer()

    def round(self) -> Figures:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self._answer())

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            sys.exit(f"{self.contender.name} failed:\n{self.errors.read()}")
        return line


@contextmanager
def started(contender: Contender, settings: Mapping[str, Any]) -> Iterator[Process]:
    """A process of its own, which ends with the block; it is ready after `wait_until_ready`."""
    command = [
        sys.executable,
        "-m",
        "contenders.worker",
        contender.module,
        contender.way,
        json.dumps(settings),
    ]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=FOLDER, env=os.environ | ENVIRONMENT, stderr=errors, text=True, **pipes
        ) as process,
    ):
        yield Process(contender, process, errors)


def take_turns(
    processes: Sequence[Process], repeats: int, progress: Callable[[int, list[Figures]], None]
) -> list[list[Figures]]:
    """The figures of each process, of a round that brings all up to speed and of `repeats` that count.

    Every second round goes backwards, so that nobody always follows the same one. progress gets the number of each
    round, from 0, and its figures.
    """
    rounds = []
    for number in range(1 + repeats):
        order = processes[:: -1 if number % 2 else 1]
        figures = {process: process.round() for process in order}
        rounds.append([figures[process] for process in processes])
        progress(number, rounds[-1])
    return [list(of_one) for of_one in zip(*rounds, strict=True)]
