"""`seqtrain fit --seeds`: what it says, what the run is then, what a kill leaves; tests/unit has the rest."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqtrain import load
from seqtrain.errors import RunError
from seqtrain.run import Run, open_run
from tests.cli.command import Result, seqtrain
from tests.cli.conftest import Fitted
from tests.cli.test_fit import REPORT, masked
from tests.cli.test_resume import HINT
from tests.crashes.outcome import outcome
from tests.crashes.process import At, Strike, forked
from tests.project import write_project

FIT = ("fit", "configs/reviews.yaml")
RUN = Path("runs", "reviews")
STEP = "seqtrain.training.trainer:Trainer.train_on"
MODEL = (
    "weights.safetensors",
    "vocabulary.tsv",
    "labels.txt",
    "model.onnx",
    "metrics/dev.json",
    "config.yaml",
)
SCORES = ("accuracy", "macro_f1", "log_loss")
TABLE = """\
 seed accuracy macro F# log loss best step seconds
 # # # # # #
 # # # # # #
 mean # # #
 ± sd # # #

chosen seed #, dev log loss #; picked by it, so # ± # is the fairer figure
saved runs/reviews
"""


@dataclass(frozen=True)
class Here:
    """Has the seeds trained in the process itself, and something done before one of them."""

    seed: int = 0
    before: Callable[[], object] = int

    def __call__(self) -> None:
        from seqtrain import cli
        from seqtrain.cli import seeds

        def run_here(arguments: Sequence[str]) -> int:
            if f"--set=training.seed={self.seed}" in arguments:
                self.before()
            with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
                return cli._run(list(arguments))

        seeds.run_apart = run_here


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def report(project: Path) -> str:
    """What the command says that trains the run of the project: the fourth example of the help, but for fewer seeds."""
    result = seqtrain(*FIT, "--seeds", "2", cwd=project)
    assert (result.exit_code, result.stdout) == (0, "runs/reviews\n")
    return result.stderr


@pytest.fixture(scope="module")
def whole(project: Path, report: str) -> Run:
    return Run(project / RUN)


@pytest.fixture(scope="module")
def best(whole: Run) -> Run:
    scores = {seed: dev(whole.seed(seed))["log_loss"] for seed in (1, 2)}
    return whole.seed(min(scores, key=lambda seed: scores[seed]))


def dev(run: Run) -> Any:
    return json.loads(run.metrics_file("dev").read_bytes())


def test_it_reports_each_seed_and_a_table_of_all(report: str, whole: Run) -> None:
    first = "seed # (# of #)\n" + REPORT.replace("runs/reviews", "runs/reviews/seed-#")
    second = first.replace("# rejected\n", "# rejected; encoded by an earlier run\n")
    assert masked(report) == "\n".join([first, second, TABLE])
    logs = [run.log_file.read_text() for run in (whole.seed(1), whole.seed(2))]
    assert report.replace(logs[0], "").replace(logs[1], "") == whole.log_file.read_text()


def test_the_table_has_the_scores_of_the_seeds_their_mean_and_their_spread(report: str, whole: Run) -> None:
    rows = [line.split() for line in report.split("seconds\n")[1].splitlines()[:4]]
    scores = np.array([[dev(whole.seed(seed))[name] for name in SCORES] for seed in (1, 2)])
    assert [row[0] for row in rows] == ["1", "2", "mean", "±"]
    for row, expected in zip(rows, [*scores, scores.mean(0), scores.std(0, ddof=1)], strict=True):
        found = row[2:] if row[0] == "±" else row[1:4]
        assert found == [f"{value:.4f}" for value in expected]


def test_each_seed_is_the_run_that_a_fit_by_itself_makes(fitted: Fitted, whole: Run, project: Path) -> None:
    assert outcome(whole.seed(1).path) == outcome(fitted.run)
    assert forked(*FIT, "--set=training.seed=2", "--out=runs/alone", cwd=project).exit_code == 0
    assert outcome(whole.seed(2).path) == outcome(project / "runs" / "alone")
    assert whole.seed(2).info()["command"][1:] == [
        *(
            "fit",
            "--out=runs/reviews/seed-2",
            "--set=training.seed=2",
            "--resume",
            "--",
            "configs/reviews.yaml",
        )
    ]


def test_the_encoded_texts_are_kept_beside_the_whole(whole: Run) -> None:
    assert (whole.path.parent / ".corpora").exists()
    assert not (whole.path / ".corpora").exists()


def test_the_run_answers_as_the_best_seed_does(whole: Run, best: Run, project: Path) -> None:
    for name in MODEL:
        assert (whole.path / name).read_bytes() == (best.path / name).read_bytes()
    texts = ["great fun", "bad", "映画"]
    assert load(whole.path).predict(texts) == load(best.path).predict(texts)
    answers = [forked("eval", "--json", "--run", run.path, cwd=project) for run in (whole, best)]
    assert answers[0] == answers[1]
    assert answers[0].exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("check", "model", "--run", RUN),
        ("export", "onnx", "out.onnx", "--run", RUN),
        (*FIT, "--set=training.init_from=runs/reviews", "--set=training.epochs=1", "--out=warm"),
    ],
    ids=["check", "export", "warm start"],
)
def test_other_commands_take_the_run(command: tuple[str | Path, ...], whole: Run, project: Path) -> None:
    done = forked(*command, cwd=project)
    assert done.exit_code == 0, done.stderr


def test_a_seed_that_was_meant_is_suggested(whole: Run) -> None:
    with pytest.raises(RunError, match=r"Did you mean '.*reviews/seed-[12]'\?"):
        open_run(whole.path / "seed-9")


def test_stopped_in_the_second_seed_it_goes_on_to_the_same_end(whole: Run, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    run = Run(project / RUN)

    def fit(*options: str, **how: Any) -> Result:
        return forked(*FIT, "--seeds=2", *options, cwd=project, before=Here(**how))

    stopped = fit(seed=2, before=Strike(At(STEP, 25), (signal.SIGINT,)))
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr.endswith("at step 25, which is saved; --resume goes on from there\ninterrupted\n")
    assert [one.status() for one in (run, run.seed(1), run.seed(2))] == [
        "interrupted",
        "finished",
        "interrupted",
    ]
    killed = fit("--resume", seed=2, before=Strike(At(STEP, 5)))
    assert killed.exit_code == -signal.SIGKILL
    assert [one.status() for one in (run, run.seed(1), run.seed(2))] == ["running", "finished", "running"]
    done = fit("--resume")
    assert done.exit_code == 0, done.stderr
    assert "finished  already, nothing is left to do" in done.stderr
    assert "resume    from step 25; the run was running\n" in done.stderr
    for name in (*MODEL, "metrics/seeds.json"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()
    for seed in (1, 2):
        assert outcome(run.seed(seed).path) == outcome(whole.seed(seed).path)


def test_a_seed_that_fails_has_said_why_and_the_command_ends_with_its_code(project: Path, whole: Run) -> None:
    wrong = ("--seeds=2", "--resume", "--set=model.units=4")
    result = forked(*FIT, *wrong, cwd=project)
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == (
        "seed      1 (1 of 2)\n"
        "error: runs/reviews/seed-1: cannot go on, because of what has changed:\n  model.units: 8 → 4\n"
        + HINT
    )


def test_bad_data_leave_nothing(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    (project / "train.tsv").write_text("pos\t\n")
    result = forked(*FIT, "--seeds=2", cwd=project, before=Here())
    assert result.exit_code == 3
    assert result.stderr.startswith("seed      1 (1 of 2)\nerror: ")
    assert not (project / "runs").exists()


@pytest.mark.parametrize("count", ["1", "0", "-3", "five"])
def test_two_seeds_at_least(count: str, project: Path) -> None:
    result = forked(*FIT, "--seeds", count, cwd=project)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: Invalid value for '--seeds'" in result.stderr
