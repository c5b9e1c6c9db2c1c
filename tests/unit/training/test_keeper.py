"""When checkpoints are written, which ones stay, and from which a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqtrain.errors import DivergenceError, RunError
from seqtrain.run.new import NewRun
from seqtrain.training import keeper as module
from seqtrain.training.checkpoint import MANIFEST, STATE, Checkpoint
from seqtrain.training.keeper import Keeper, newest_whole
from seqtrain.training.loop import Progress

SHAPES = {"weights/a": (2,), "slots/mean.a": (2,)}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = thread_time = monotonic


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def run(tmp_path: Path) -> Iterator[NewRun]:
    run = NewRun(tmp_path / "run")
    run.journal_file.touch()
    run.promote()
    yield run
    run.close()


def checkpoint(step: int, best: int | None = None, value: float = 0.0) -> Checkpoint:
    array = np.array([step, value], np.float32)
    return Checkpoint({"a": array}, {"mean.a": array}, Progress(step=step, best_step=best), step * 10)


def keeper(run: NewRun, *, steps: int | None = None, minutes: float | None = None, last: int = 0) -> Keeper:
    return Keeper(run, steps=steps, minutes=minutes, last=Progress(step=last))


def save(run: NewRun, *checkpoints: Checkpoint) -> None:
    with keeper(run) as kept:
        for each in checkpoints:
            kept.save(each)


def test_due_by_steps_since_the_last_one(run: NewRun) -> None:
    with keeper(run, steps=10, last=5) as kept:
        assert [step for step in range(6, 20) if kept.due(step)] == [15, 16, 17, 18, 19]
        kept.save(checkpoint(16))
        assert [step for step in range(17, 30) if kept.due(step)] == [26, 27, 28, 29]


def test_due_by_minutes_since_the_last_one_but_never_without_a_step(run: NewRun, clock: Clock) -> None:
    with keeper(run, minutes=2) as kept:
        clock.now += 119
        assert not kept.due(7)
        clock.now += 1
        assert kept.due(7)
        kept.save(checkpoint(7))
        clock.now += 1000
        assert not kept.due(7)
        assert kept.due(8)


def test_never_due_without_intervals(run: NewRun, clock: Clock) -> None:
    with keeper(run) as kept:
        clock.now += 1e6
        assert not kept.due(10**6)


def test_the_last_two_stay_and_the_best_of_the_time_of_each(run: NewRun) -> None:
    save(run, checkpoint(1, 1))
    assert list(run.checkpoints()) == [1]
    with keeper(run, last=1) as kept:
        for step, best, left in [(2, 1, [1, 2]), (3, 1, [1, 2, 3]), (4, 4, [1, 3, 4]), (5, 4, [4, 5])]:
            kept.save(checkpoint(step, best))
            kept.wait()
            assert list(run.checkpoints()) == left


def test_a_second_checkpoint_of_a_step_replaces_the_first(run: NewRun) -> None:
    """One before the evaluation of a step, because of a signal, and one behind it."""
    save(run, checkpoint(3), checkpoint(3, best=3, value=1.0))
    assert list(run.checkpoints()) == [3]
    assert Checkpoint.read(run.checkpoint(3), SHAPES).weights["a"][1] == 1.0
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["step-000003"]


def test_training_goes_on_meanwhile_and_waits_for_the_one_before(
    run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, order = threading.Event(), []
    write = Checkpoint.write

    def slow(self: Checkpoint, folder: Path) -> None:
        assert free.wait(60)
        order.append(self.progress.step)
        write(self, folder)

    monkeypatch.setattr(Checkpoint, "write", slow)
    with keeper(run) as kept:
        kept.save(checkpoint(1))
        assert order == [], "the call came back before anything was written"
        free.set()
        kept.save(checkpoint(2))
        assert order[0] == 1
    assert order == [1, 2]


def fail(*arguments: Any) -> None:
    raise RunError("the disk is full")


def test_an_error_comes_with_the_next_call(run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keeper(run)
    monkeypatch.setattr(Checkpoint, "write", fail)
    kept.save(checkpoint(1))
    with pytest.raises(RunError, match="full"):
        kept.save(checkpoint(2))
    kept.save(checkpoint(3))
    with pytest.raises(RunError, match="full"):
        kept.__exit__(None, None, None)


def test_an_error_does_not_hide_another_one(run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def train() -> None:
        with keeper(run) as kept:
            kept.save(checkpoint(1))
            raise ValueError("the first")

    monkeypatch.setattr(Checkpoint, "write", fail)
    with pytest.raises(ValueError, match="first"):
        train()


def test_weights_that_are_no_numbers_are_not_written(run: NewRun) -> None:
    save(run, checkpoint(1))
    with pytest.raises(DivergenceError, match="step 2"):
        save(run, checkpoint(2, value=np.nan))
    assert list(run.checkpoints()) == [1]


def test_what_it_cost_is_counted(run: NewRun) -> None:
    with keeper(run) as kept:
        kept.save(checkpoint(1))
        kept.save(checkpoint(2))
    assert kept.cost.written == 2
    assert kept.cost.processor > 0


class TestNewestWhole:
    def test_none_at_all(self, run: NewRun) -> None:
        assert newest_whole(run, SHAPES) == (None, [])

    def test_the_newest(self, run: NewRun) -> None:
        save(run, checkpoint(1), checkpoint(2, 1))
        found, damaged = newest_whole(run, SHAPES)
        assert found is not None
        assert (found.progress.step, found.journal_bytes, damaged) == (2, 20, [])

    @pytest.mark.parametrize("name", [STATE, MANIFEST])
    def test_a_damaged_one_is_passed_over_and_named(self, run: NewRun, name: str) -> None:
        save(run, checkpoint(1), checkpoint(2, 1))
        (run.checkpoint(2) / name).write_bytes(b"")
        found, (problem,) = newest_whole(run, SHAPES)
        assert found is not None
        assert found.progress.step == 1
        assert problem.startswith(f"{run.checkpoint(2) / name}: ")

    def test_so_is_one_whose_best_weights_are_gone(self, run: NewRun) -> None:
        save(run, checkpoint(1, 1), checkpoint(3, 2))
        found, (problem,) = newest_whole(run, SHAPES)
        assert found is not None
        assert found.progress.step == 1
        assert "step-000002" in problem

    def test_none_of_some(self, run: NewRun) -> None:
        save(run, checkpoint(1), checkpoint(2))
        for step in (1, 2):
            (run.checkpoint(step) / STATE).unlink()
        with pytest.raises(RunError, match="no checkpoint is whole") as caught:
            newest_whole(run, SHAPES)
        assert "step-000001" in str(caught.value)
        assert "step-000002" in str(caught.value)
