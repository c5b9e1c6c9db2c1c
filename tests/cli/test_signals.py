"""Commands that are stopped: by Ctrl-C, by SIGTERM, by a reader that goes away or a disk that is full."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqtrain.run import Run
from seqtrain.training.checkpoint import Checkpoint
from tests.cli.command import PATIENCE, SEQTRAIN, Result, call, finish, seqtrain, start, tree
from tests.cli.conftest import Fitted
from tests.project import TRAIN, table

FIT = ("fit", "configs/reviews.yaml")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> Result:
    process.send_signal(number)
    return finish(process)


@pytest.fixture
def reading(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A fit that has read some rows and waits for more: its training file is a pipe that stays open."""
    (project / "train.tsv").unlink()
    os.mkfifo(project / "train.tsv")
    process = start(*FIT, cwd=project)
    pipe = os.open(project / "train.tsv", os.O_WRONLY)
    os.write(pipe, table(TRAIN).encode())
    wait_until(lambda: (project / "runs" / ".reviews.new" / "corpus").exists())
    yield process
    process.kill()
    process.wait()
    os.close(pipe)


STOPS = [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")]


@pytest.mark.parametrize(("number", "exit_code", "message"), STOPS)
def test_a_fit_stopped_while_it_reads_leaves_nothing(
    project: Path,
    reading: subprocess.Popen[str],
    number: signal.Signals,
    exit_code: int,
    message: str,
) -> None:
    assert stopped(reading, number) == (exit_code, "", message)
    assert not (project / "runs").exists()


def test_a_second_fit_of_the_same_run_is_refused(project: Path, reading: subprocess.Popen[str]) -> None:
    before = tree(project / "runs").keys()
    assert seqtrain(*FIT, "--overwrite", cwd=project) == (
        4,
        "",
        "error: runs/reviews: another process is writing it\n  Wait for it, or choose another folder.\n",
    )
    assert tree(project / "runs").keys() == before
    assert reading.poll() is None, "the first one goes on"


def test_a_fit_interrupted_while_it_trains_keeps_what_is_whole(project: Path) -> None:
    endless = ("--set", "training.epochs=100000", "--set", "training.evaluate_every=100")
    process = start(*FIT, *endless, cwd=project)
    run = Run(project / "runs" / "reviews")
    wait_until(lambda: len(run.checkpoints()) > 1)
    result = stopped(process, signal.SIGINT)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.endswith("\ninterrupted\n")
    assert "Traceback" not in result.stderr
    assert run.info()["status"] == "interrupted"
    for folder in run.checkpoints().values():
        Checkpoint.read(folder)
    names = {name.split("/")[0] for name in tree(run.path)}
    assert not names & {"corpus", "model.onnx", "weights.safetensors"}
    assert not list((project / "runs").rglob("*.tmp"))
    assert os.listdir(project / "runs") == ["reviews"]
    assert seqtrain("predict", "--text", "fine", "--run", run.path, cwd=project) == (
        4,
        "",
        f"error: {run.model_file}: no such file; the status of the run is 'interrupted'\n"
        "  A run has all its files when `seqtrain fit` has ended well.\n",
    )


def test_a_fit_terminated_before_its_first_evaluation_leaves_the_older_run(
    fitted: Fitted, project: Path
) -> None:
    shutil.copytree(fitted.run, project / "runs" / "reviews")
    before = tree(project)
    process = start(*FIT, "--overwrite", cwd=project)
    assert process.stderr is not None
    while "train loss" not in process.stderr.readline():
        assert process.poll() is None
    assert stopped(process, signal.SIGTERM) == (143, "", "terminated\n")
    assert tree(project) == before


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
