from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seqtrain.errors import RunError
from seqtrain.run import Run
from seqtrain.training.journal import Journal
from seqtrain.training.loop import Evaluated, Event, Finished, Stepped, Sums
from tests.unit.training.event_file import scalars

SUMS = Sums(loss=6.0, correct=3.0, weight=4.0, tokens=500, seconds=0.25)
DEV = {"accuracy": 0.5, "macro_f1": 0.4, "log_loss": 0.7, "roc_auc": None, "rows": 12}


def stepped(step: int) -> Stepped:
    return Stepped(step, epoch=0, done=0.1, sums=SUMS, learning_rate=0.01, gradient_norm=2.0)


def evaluated(step: int, epoch: int = 1) -> Evaluated:
    return Evaluated(step, epoch, 0.5, SUMS, DEV, learning_rate=0.02, improved=True, seconds=3.0)


def written(folder: Path, *events: Event) -> list[dict[str, object]]:
    journal = Journal(Run(folder))
    for event in events:
        journal(event)
    journal.close()
    file = folder / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


RATIOS = {"loss": 1.5, "accuracy": 0.75, "tokens_per_second": 2000.0, "seconds": 0.25}


def test_an_evaluation_is_a_line_for_training_and_one_for_dev(tmp_path: Path) -> None:
    """Epochs count from 1; the losses of both have the same name."""
    common = {"step": 7, "epoch": 2, "learning_rate": 0.02}
    dev = {"loss": 0.7, "accuracy": 0.5, "macro_f1": 0.4, "best": True, "seconds": 3.0}
    assert written(tmp_path, evaluated(7)) == [
        {"event": "train", **common, **RATIOS},
        {"event": "dev", **common, **dev},
    ]


def test_every_fiftieth_step_is_a_line(tmp_path: Path) -> None:
    lines = written(tmp_path, *map(stepped, range(1, 102)), Finished(101, "epochs"))
    assert [line["step"] for line in lines] == [50, 100]
    common = {"event": "step", "step": 50, "epoch": 1, "learning_rate": 0.01, "gradient_norm": 2.0}
    assert lines[0] == {**common, **RATIOS}


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    lines = written(tmp_path, stepped(50), evaluated(51))
    (path,) = tmp_path.glob("events.out.tfevents.*")
    points = {(step, tag): value for step, tag, value in scalars(path)}
    expected = {
        (line["step"], f"{line['event']}/{name}"): pytest.approx(value)
        for line in lines
        for name, value in line.items()
        if isinstance(value, float)
    }
    assert points == expected
    assert (51, "dev/macro_f1") in points


def test_it_follows_the_run_to_its_final_place(tmp_path: Path) -> None:
    """A run is renamed at its first evaluation, while the journal is open."""
    (tmp_path / "new").mkdir()
    run = Run(tmp_path / "new")
    journal = Journal(run)
    journal(stepped(50))
    run.path = run.path.rename(tmp_path / "reviews")
    journal(stepped(100))
    journal.close()
    assert not (tmp_path / "new").exists()
    assert len(run.journal_file.read_text().splitlines()) == 2
    (path,) = run.path.glob("events.out.tfevents.*")
    assert {step for step, *_ in scalars(path)} == {50, 100}


def test_it_goes_on_behind_what_the_checkpoint_knows(tmp_path: Path) -> None:
    """The lines of steps that are trained again go; so do the remains of a line that was cut off."""
    run = Run(tmp_path)
    journal = Journal(run)
    journal(evaluated(50))
    size = journal.size()
    journal(stepped(100))
    journal.close()
    with run.journal_file.open("a") as file:
        file.write('{"event": "st')
    journal = Journal(run, size=size, step=50)
    journal(stepped(150))
    journal.close()
    lines = [json.loads(line) for line in run.journal_file.read_text().splitlines()]
    assert [(line["event"], line["step"]) for line in lines] == [("train", 50), ("dev", 50), ("step", 150)]


def test_it_adds_nothing_where_lines_are_missing(tmp_path: Path) -> None:
    journal = Journal(Run(tmp_path), size=1000)
    journal(stepped(50))
    journal.close()
    assert [
        line["step"] for line in map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    ] == [50]


def in_the_way(file: Path, kind: str) -> None:
    file.unlink(missing_ok=True)
    {"link": lambda: file.symlink_to("/dev/null"), "pipe": lambda: os.mkfifo(file), "folder": file.mkdir}[
        kind
    ]()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    in_the_way(tmp_path / "metrics.jsonl", kind)
    with pytest.raises(RunError, match=r"metrics\.jsonl: cannot be written: "):
        Journal(Run(tmp_path))
    (tmp_path / "metrics.jsonl").rmdir() if kind == "folder" else (tmp_path / "metrics.jsonl").unlink()
    journal = Journal(Run(tmp_path))
    in_the_way(tmp_path / "metrics.jsonl", kind)
    with pytest.raises(RunError, match=r"metrics\.jsonl: cannot be written: "):
        journal(stepped(50))
    journal.close()
