"""`kill -9` at named points: what goes on afterwards ends as if nothing had happened, to the bit."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from seqtrain.run import open_run
from tests.cli.command import tree
from tests.crashes.outcome import outcome
from tests.crashes.process import At, Strike, forked
from tests.project import write_project

FIT = ("fit", "configs/reviews.yaml")
RUN = Path("runs", "reviews")
NETWORKS = {
    # Its best weights are those of step 42; it stops at step 56, of 76.
    "lstm": (
        *("training.epochs=4", "training.metric=accuracy", "training.patience=2"),
        *("training.evaluate_every=7", "training.checkpoint_every=4"),
    ),
    "gru": ("model.cell=gru", "model.pooling=[max, last]", "training.patience=1"),
}

ENCODING = At("seqtrain.data.corpus:Corpora.save")
STEP, EVALUATION = (f"seqtrain.training.trainer:Trainer.{name}" for name in ("train_on", "logits"))
STATE = "seqtrain.training.checkpoint:write_tensors"
CHECKPOINT_RENAMED, PRUNED_RENAMED = "seqtrain.run.atomic:move_folder", "seqtrain.run:move_folder"
PROMOTION_RENAMED = "seqtrain.run.staging:move_folder"
TRAINED, EXPORTED = At("seqtrain.pipeline.export:read_weights"), At("seqtrain.run:Run.seal")

# With the steps from which the next fit may go on: what a thread writes may be done by then or not.
POINTS = {
    "while the data are encoded": (ENCODING, {0}),
    "before the first checkpoint": (At(STEP, 3), {0}),
    "between two evaluations": (At(STEP, 20), {14, 18}),
    "in an evaluation": (At(EVALUATION, 3), {14, 18}),
    "between the state of a checkpoint and its manifest": (At(STATE, 3, after=True), {7}),
    "between a checkpoint and its renaming": (At(CHECKPOINT_RENAMED, 3), {7}),
    "between the renaming of an old checkpoint and its removal": (At(PRUNED_RENAMED, after=True), {11}),
    "with patience half spent": (At(STEP, 54), {49, 53}),
    "between the last step and the export": (TRAINED, {56}),
    "between model.onnx and run.json": (EXPORTED, {56}),
}
CHAIN = [
    (ENCODING, {0}),
    (At(STEP, 3), {0}),
    (At(STEP, 25), {19}),
    (At(EVALUATION), {19}),
    (At(STATE, after=True), {19}),
    (TRAINED, {38}),
    (EXPORTED, {38}),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each network that nothing has interrupted."""
    folder = write_project(tmp_path_factory.mktemp("unbroken"))
    for name in NETWORKS:
        assert forked(*command(name), f"--out=runs/{name}", cwd=folder).exit_code == 0
    return folder / "runs"


@pytest.fixture(scope="module")
def unbroken(runs: Path) -> dict[str, dict[str, Any]]:
    """What the runs of the networks end with."""
    return {name: outcome(runs / name) for name in NETWORKS}


def command(network: str) -> list[str]:
    return [*FIT, *(f"--set={override}" for override in NETWORKS[network])]


def kill(project: Path, *arguments: str, at: At) -> None:
    killed = forked(*arguments, cwd=project, before=Strike(at))
    assert killed.exit_code == -signal.SIGKILL, killed.stderr


def resumed_from(report: str) -> int:
    found = re.search(
        r"^resume    from step (\d+)(: there is no checkpoint yet)?; the run was running$", report, re.M
    )
    assert found, report
    assert (found[1] == "0") == (found[2] is not None)
    return int(found[1])


@pytest.mark.parametrize("point", POINTS)
def test_killed(point: str, project: Path, unbroken: dict[str, dict[str, Any]]) -> None:
    at, steps = POINTS[point]
    kill(project, *command("lstm"), at=at)
    done = forked(*command("lstm"), "--resume", cwd=project)
    assert done.exit_code == 0, done.stderr
    assert resumed_from(done.stderr) in steps
    assert outcome(project / RUN) == unbroken["lstm"]


def test_killed_again_and_again(project: Path, unbroken: dict[str, dict[str, Any]]) -> None:
    kill(project, *command("gru"), at=CHAIN[0][0])
    for (at, _), (_, steps) in zip(CHAIN[1:], CHAIN, strict=False):
        killed = forked(*command("gru"), "--resume", cwd=project, before=Strike(at))
        assert killed.exit_code == -signal.SIGKILL, killed.stderr
        assert resumed_from(killed.stderr) in steps
    assert forked(*command("gru"), "--resume", cwd=project).exit_code == 0
    assert outcome(project / RUN) == unbroken["gru"]
    history = open_run(project / RUN).info()["history"]
    assert [event.get("step", event["event"]) for event in history] == [
        *("started", 0, "started", 0, 19, 19, 19, 38, 38, "finished")
    ]


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_killed_while_it_takes_the_place_of_an_older_run(
    renames: int, project: Path, runs: Path, unbroken: dict[str, dict[str, Any]]
) -> None:
    """Of the older run and the new one, both are there until the new one has got to its place."""
    older = tree(shutil.copytree(runs / "lstm", project / RUN))
    at = At(PROMOTION_RENAMED, max(renames, 1), after=renames > 0)
    kill(project, *command("gru"), "--overwrite", at=at)
    assert open_run(project / RUN).exists()
    assert (tree(project / RUN) == older) == (renames < 2)
    done = forked(*command("gru"), "--resume", cwd=project)
    assert done.exit_code == 0, done.stderr
    assert resumed_from(done.stderr) == 19
    assert outcome(project / RUN) == unbroken["gru"]
    assert {path.name for path in (project / "runs").iterdir()} == {"reviews", ".corpora"}
