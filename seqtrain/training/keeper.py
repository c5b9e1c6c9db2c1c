"""Keeps the checkpoints of a run: when to write one, which ones stay, from which to go on."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from seqtrain.errors import DivergenceError, RunError, SeqtrainError
from seqtrain.run import Run
from seqtrain.run.atomic import atomic_folder, sync, writing
from seqtrain.training.checkpoint import Checkpoint, Shapes, read_weights
from seqtrain.training.loop import Progress

KEPT = 2
"""Checkpoints that stay, besides those with the weights that were best at the time of each."""


@dataclass
class Cost:
    """What checkpoints cost: how many there were, seconds that training waited, seconds of processor time beside it."""

    written: int = 0
    waited: float = 0.0
    processor: float = 0.0


class Keeper:
    """Writes checkpoints beside training, in a thread, one at a time; errors come with the next call.

    A context manager: at its end everything is written.
    """

    def __init__(self, run: Run, *, steps: int | None, minutes: float | None, last: Progress) -> None:
        """steps, minutes: from one checkpoint to the next; last: where training stands, and stood at the last one."""
        self.cost = Cost()
        self._run, self._steps, self._minutes = run, steps, minutes
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None
        self._kept = {last.step: _best(last)} if last.step else {}
        self._step, self._time = last.step, time.monotonic()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        with suppress(*([SeqtrainError] if error else [])):  # the first error tells more
            self.wait()
        self._thread.shutdown()

    def due(self, step: int) -> bool:
        """Whether the time for a checkpoint has come, by steps or by minutes."""
        steps, minutes = step - self._step, (time.monotonic() - self._time) / 60
        return bool(
            (self._steps is not None and steps >= self._steps)
            or (self._minutes is not None and steps and minutes >= self._minutes)
        )

    def is_saved(self, progress: Progress) -> bool:
        """Whether there is nothing that a checkpoint would add."""
        return progress.step == self._step

    def save(self, checkpoint: Checkpoint) -> None:
        """Begins to write a checkpoint; waits only for the one before. Raises the error of that one."""
        self.wait()
        self._step, self._time = checkpoint.progress.step, time.monotonic()
        self._writing = self._thread.submit(self._write, checkpoint)

    def wait(self) -> None:
        """Until all checkpoints are on the disk. Raises the error of the one that is not."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _write(self, checkpoint: Checkpoint) -> None:
        progress = checkpoint.progress
        if not checkpoint.is_finite():
            raise DivergenceError(f"training diverged: the weights of step {progress.step} are not finite")
        with writing(self._run.journal_file):
            # No checkpoint tells of lines that a crash could take, nor of a file whose name it could.
            sync(self._run.journal_file)
            sync(self._run.path)
        with atomic_folder(self._run.checkpoint(progress.step)) as folder:
            checkpoint.write(folder)
        last = dict([*{**self._kept, progress.step: _best(progress)}.items()][-KEPT:])
        self._kept = last
        self._run.keep_checkpoints({*last, *last.values()})
        self.cost.written += 1
        self.cost.processor = time.thread_time()


class Found(NamedTuple):
    """The newest whole checkpoint, None if there is none at all; what is wrong with newer ones."""

    checkpoint: Checkpoint | None
    damaged: list[str]


def newest_whole(run: Run, shapes: Shapes) -> Found:
    """The newest checkpoint that is whole, and so are the best weights of its time.

    Raises RunError if there are checkpoints, but none is whole.
    """
    damaged: list[str] = []
    for step in reversed(run.checkpoints()):
        found = _read_whole(run, step, shapes)
        if isinstance(found, Checkpoint):
            return Found(found, damaged)
        damaged.append(found)
    if damaged:
        hint = "Train anew with --overwrite."
        raise RunError("\n  ".join([f"{run.path}: no checkpoint is whole", *damaged]), hint=hint)
    return Found(None, [])


def _read_whole(run: Run, step: int, shapes: Shapes) -> Checkpoint | str:
    """The checkpoint, or what is wrong with it or with the best weights of its time."""
    try:
        checkpoint = Checkpoint.read(run.checkpoint(step), shapes)
        for other in {_best(checkpoint.progress)} - {step}:
            read_weights(run.checkpoint(other), shapes)
    except RunError as error:
        return str(error)
    return checkpoint


def _best(progress: Progress) -> int:
    """The step of the best weights so far, those at hand if none have been measured."""
    return progress.step if progress.best_step is None else progress.best_step
