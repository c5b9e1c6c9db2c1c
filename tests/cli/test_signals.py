"""Commands that are stopped: by Ctrl-C, by SIGTERM, by a reader that goes away or a disk that is full."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seqtrain.run import Run
from tests.cli.command import PATIENCE, SEQTRAIN, Result, call, finish, seqtrain, start, tree
from tests.cli.conftest import Fitted
from tests.crashes.outcome import outcome
from tests.crashes.process import At, Hold, Process, Strike, forked
from tests.project import write_project

FIT = ("fit", "configs/reviews.yaml")
OFTEN = (*FIT, "--set=training.evaluate_every=10")


STEP, EVALUATION = (f"seqtrain.training.trainer:Trainer.{name}" for name in ("train_on", "logits"))
ENCODING = At("seqtrain.data.corpus:Corpora.save")
RUN, ASIDE = Path("runs", "reviews"), Path("runs", ".reviews.new")
STOPS = [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")]


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> Result:
    process.send_signal(number)
    return finish(process)


def left_of(project: Path) -> set[str]:
    """What is in the folder of runs, but for the encoded data."""
    return {path.name for path in (project / "runs").iterdir()} - {".corpora"}


@pytest.mark.parametrize(("number", "exit_code", "message"), STOPS)
def test_a_fit_stopped_while_it_encodes_leaves_nothing(
    project: Path, number: signal.Signals, exit_code: int, message: str
) -> None:
    assert forked(*FIT, cwd=project, before=Strike(ENCODING, (number,))) == (exit_code, "", message)
    assert not (project / "runs").exists()


def test_a_second_fit_of_the_same_run_is_refused(project: Path) -> None:
    first = Process(*FIT, cwd=project, before=Hold(ENCODING, project / "held"))
    first.wait_for(project / "held")
    before = tree(project / "runs").keys()
    for option in ("--overwrite", "--resume"):
        assert forked(*FIT, option, cwd=project) == (
            4,
            "",
            "error: runs/reviews: another process is writing it\n  Wait for it, or choose another folder.\n",
        )
    assert tree(project / "runs").keys() == before
    assert first.is_alive(), "the first one goes on"
    first.send(signal.SIGKILL)
    first.result()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of two evaluations in an epoch ends with that nothing has interrupted."""
    project = write_project(tmp_path_factory.mktemp("unbroken"))
    assert forked(*OFTEN, cwd=project).exit_code == 0
    return outcome(project / RUN)


@pytest.mark.parametrize(("number", "exit_code", "message"), STOPS)
@pytest.mark.parametrize(
    ("at", "step"), [(At(STEP, 14), 14), (At(EVALUATION, 2), 20)], ids=["step", "evaluation"]
)
def test_a_fit_stopped_while_it_trains_saves_where_it_is(
    at: At,
    step: int,
    number: signal.Signals,
    exit_code: int,
    message: str,
    project: Path,
    unbroken: dict[str, Any],
) -> None:
    """An evaluation is given up, and made when the fit goes on."""
    result = forked(*OFTEN, cwd=project, before=Strike(at, (number,)))
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.endswith(
        f"\n\nstopped   at step {step}, which is saved; --resume goes on from there\n{message}"
    )
    run = Run(project / RUN)
    assert list(run.checkpoints()) == [10, step]
    assert run.info()["status"] == "interrupted"
    assert [event["event"] for event in run.info()["history"]] == ["started", "interrupted"]
    assert not {"corpus", "model.onnx", "weights.safetensors"} & tree(run.path).keys()
    assert left_of(project) == {"reviews"}
    resumed = forked(*OFTEN, "--resume", cwd=project)
    assert resumed.exit_code == 0
    assert f"resume    from step {step}; the run was interrupted\n" in resumed.stderr
    assert outcome(project / RUN) == unbroken


def test_a_run_that_was_stopped_answers_nothing_yet(project: Path) -> None:
    assert forked(*FIT, cwd=project, before=Strike(At(STEP, 5), (signal.SIGINT,))).exit_code == 130
    assert seqtrain("predict", "--text", "fine", "--run", RUN, cwd=project) == (
        4,
        "",
        f"error: {RUN}/model.onnx: no such file; the status of the run is 'interrupted'\n"
        "  A run has all its files when `seqtrain fit` has ended well; with --resume it goes on.\n",
    )


def test_a_second_signal_ends_it_at_once(project: Path) -> None:
    """The first one at step 14 is held back; the second one comes before that step is done."""
    twice = Strike(At(STEP, 14), (signal.SIGINT, signal.SIGTERM))
    result = forked(*OFTEN, cwd=project, before=twice)
    assert result.exit_code == 143
    assert result.stderr.endswith("\nterminated\n")
    assert "stopped" not in result.stderr
    assert list(Run(project / RUN).checkpoints()) == [10]
    assert Run(project / RUN).status() == "interrupted"


def test_a_fit_stopped_before_its_first_evaluation_leaves_the_older_run_and_can_go_on(
    project: Path, fitted: Fitted
) -> None:
    shutil.copytree(fitted.run, project / RUN)
    before = tree(project / RUN)
    fit = (*FIT, "--set=training.seed=2")
    at = At(STEP, 5)
    assert forked(*fit, "--overwrite", cwd=project, before=Strike(at, (signal.SIGTERM,))).exit_code == 143
    assert tree(project / RUN) == before
    assert list(Run(project / ASIDE).checkpoints()) == [5]
    assert left_of(project) == {"reviews", ".reviews.new"}

    refused = forked(*fit, cwd=project)
    assert refused.exit_code == 4
    assert list(Run(project / ASIDE).checkpoints()) == [5], "an error clears nothing away"

    assert forked(*fit, "--resume", cwd=project).exit_code == 0
    assert Run(project / RUN).info()["seed"] == 2
    assert left_of(project) == {"reviews"}


def test_predict_ends_well_when_its_reader_goes_away(fitted: Fitted, tmp_path: Path) -> None:
    """Like `seqtrain predict texts.txt | head -1`."""
    (tmp_path / "texts.txt").write_text("good\n" * 50_000)
    process = start("predict", "--run", fitted.run, "texts.txt", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("pos\t")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(PATIENCE) == 0


def test_an_interrupted_prediction(fitted: Fitted) -> None:
    process = start("predict", "--run", fitted.run, cwd=fitted.folder)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("good\n" * 3000)
    process.stdin.flush()
    assert process.stdout.readline().startswith("pos\t"), "it is at work"
    result = stopped(process, signal.SIGINT)
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_under_the_output(fitted: Fitted) -> None:
    command = [*SEQTRAIN, "predict", "--run", str(fitted.run), "--text", "good"]
    result = call(["sh", "-c", 'exec "$@" > /dev/full', "sh", *command], cwd=fitted.folder)
    assert result == (4, "", "error: standard output: the disk is full\n")
