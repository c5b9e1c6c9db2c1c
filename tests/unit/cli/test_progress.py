"""The report of a fit, with a clock of the test's own; the whole of it is compared in tests/cli/test_fit."""

from __future__ import annotations

import io

import pytest

from seqtrain.cli import progress
from seqtrain.cli.console import Console
from seqtrain.cli.progress import FitReport
from seqtrain.model.classifier import Architecture
from seqtrain.pipeline.events import (
    AlreadyFinished,
    Built,
    Compared,
    NoBaseline,
    Resumed,
    Stopped,
    TakenOver,
    WideFitted,
)
from seqtrain.run import Run
from seqtrain.training.loop import Evaluated, Stepped, Sums
from seqtrain.training.runtime import Runtime

ARCHITECTURE = Architecture(
    vocabulary_size=100,
    classes=2,
    embedding_size=4,
    cell="gru",
    units=8,
    layers=2,
    bidirectional=False,
    pooling=("mean", "max"),
)
BUILT = Built(ARCHITECTURE, Runtime("2.21.0", 1, 3, True, False), epochs=4)
SUMS = Sums(loss=1.0, correct=1.0, weight=2.0, tokens=300, seconds=0.1)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def train(report: FitReport, clock: Clock, steps: int, seconds: float) -> None:
    """So many steps, each of which takes so long; training takes 100."""
    for step in range(1, steps + 1):
        clock.now += seconds
        report(Stepped(step, step // 25, (step - 1) / 100, SUMS, 0.01, 1.0))


def evaluated(step: int, improved: bool) -> Evaluated:
    dev = {"log_loss": 0.25, "accuracy": 0.875, "macro_f1": 0.8}
    return Evaluated(step, 1, step / 100, SUMS, dev, 0.01, improved, 1.0)


def test_the_model_and_the_head_of_the_table(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    FitReport(Console())(BUILT)
    weights = 100 * 4 + 3 * 8 * (4 + 8 + 2) + 3 * 8 * (8 + 8 + 2) + (16 * 2 + 2)
    assert capsys.readouterr().err == (
        f"model     forward GRU of 8 units, 2 layers, mean + max pooling, {weights:,} weights\n"
        "          TensorFlow 2.21.0, 1 × 3 threads\n"
        "\n"
        "     epoch       step train loss   dev loss   accuracy   macro F1   tokens/s       time\n"
    )


def test_without_a_terminal_there_is_a_line_every_ten_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    report = FitReport(Console())
    report(BUILT)
    capsys.readouterr()
    train(report, clock, steps=26, seconds=1)
    assert capsys.readouterr().err == (
        "        9% epoch 1/4, loss 0.5000, 3,000 tokens/s, 1:41 left\n"
        "       19% epoch 1/4, loss 0.5000, 3,000 tokens/s, 1:25 left\n"
    )


def test_an_evaluation_is_a_line_under_the_head(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    report = FitReport(Console())
    report(BUILT)
    clock.now += 83.6
    report(evaluated(25, improved=True))
    report(evaluated(30, improved=False))
    assert capsys.readouterr().err.splitlines()[-3:] == [
        "     epoch       step train loss   dev loss   accuracy   macro F1   tokens/s       time",
        "         1         25     0.5000     0.2500     0.8750     0.8000      3,000       1:24  best",
        "       1.2         30     0.5000     0.2500     0.8750     0.8000      3,000       1:24",
    ]


@pytest.mark.parametrize("quiet", [False, True])
def test_on_a_terminal_there_is_a_bar_unless_quiet(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with FitReport(Console(quiet)) as report:
        report(BUILT)
        train(report, clock, steps=26, seconds=1)
    shown = terminal.getvalue()
    assert ("epoch 1/4, loss 0.5000, 3,000 tokens/s, 1:41 left" in shown) is not quiet
    assert ("█" in shown) is not quiet
    if not quiet:
        assert shown.rsplit("\r", 1)[1] == "", "the bar is wiped away at the end"


def test_where_a_run_goes_on_and_what_is_other_than_before(capsys: pytest.CaptureFixture[str]) -> None:
    damaged = "runs/reviews/checkpoints/step-000540/state.safetensors: is damaged: it is cut short"
    FitReport(Console())(Resumed(360, "interrupted", [damaged], ["runtime.intra_op_threads: 1 → 2"]))
    assert capsys.readouterr().err == (
        f"warning: {damaged}\n"
        "  Training goes on from an older checkpoint.\n"
        "changed   other than before; threads, versions, machine and epochs may show in the weights:\n"
        "          runtime.intra_op_threads: 1 → 2\n"
        "resume    from step 360; the run was interrupted\n"
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Resumed(0, "running", [], []),
            "resume    from step 0: there is no checkpoint yet; the run was running\n",
        ),
        (
            TakenOver("runs/old", 9000, 2),
            "start     from the weights of runs/old; 9,000 of the words and 2 of the labels were known there\n",
        ),
        (Stopped(360), "\nstopped   at step 360, which is saved; --resume goes on from there\n"),
        (Stopped(0), ""),
        (NoBaseline("failed: MemoryError"), "baseline  failed: MemoryError\n"),
        (
            AlreadyFinished(Run("runs/reviews")),
            "finished  already, nothing is left to do; more training.epochs would go on\n",
        ),
    ],
)
def test_other_lines(event: object, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    FitReport(Console())(event)
    assert capsys.readouterr().err == line


BY_ITSELF = "dev accuracy 0.7500 by itself"


@pytest.mark.parametrize(
    ("longest", "ngrams", "collisions", "prefixes", "refit", "lines"),
    [
        (1, 0, 0, None, False, ["single words", BY_ITSELF]),
        (2, 0, 0, None, False, ["n-grams of up to 2 tokens: 0 in 4,096 buckets, 0 of them share", BY_ITSELF]),
        (
            3,
            5000,
            1200,
            6,
            True,
            [
                "n-grams of up to 3 tokens: 5,000 in 4,096 buckets, 1,200 of them share",
                "and what words begin with, up to 6 characters",
                f"{BY_ITSELF}, then fitted to dev too",
            ],
        ),
    ],
)
def test_what_the_wide_path_sees(
    longest: int,
    ngrams: int,
    collisions: int,
    prefixes: int | None,
    refit: bool,
    lines: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    fitted = WideFitted(
        longest, ngrams, 4096, collisions, prefixes, refit, 1.0, 0.5, {"accuracy": 0.75}, seconds=61.2
    )
    FitReport(Console())(fitted)
    blanks = "\n          "
    assert capsys.readouterr().err == f"wide path {blanks.join(lines)}, in 1:01 min\n"


NO_WIDE, WIDE = False, True
NOT_AHEAD = "baseline  TF-IDF and logistic regression: dev accuracy 0.7805 in 3 s\n"


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (("accuracy", 0.7805, 0.7806, NO_WIDE), NOT_AHEAD),
        (("accuracy", 0.7805, 0.7805, NO_WIDE), NOT_AHEAD),
        (
            ("accuracy", 0.7805, 0.7665, NO_WIDE),
            NOT_AHEAD + "          the baseline is ahead by 1.4 points; try model.wide: {}\n",
        ),
        (
            ("macro_f1", 0.5, 0.4, WIDE),
            "baseline  TF-IDF and logistic regression: dev macro f1 0.5000 in 3 s\n          the baseline is ahead "
            "by 10.0 points; try training.epochs, training.learning_rate and model.dropout\n",
        ),
        (
            ("log_loss", 0.5, 0.4, NO_WIDE),
            "baseline  TF-IDF and logistic regression: dev log loss 0.5000 in 3 s\n",
        ),
        (
            ("log_loss", 0.4, 0.5, NO_WIDE),
            "baseline  TF-IDF and logistic regression: dev log loss 0.4000 in 3 s\n"
            "          the baseline is ahead by 0.1000; try model.wide: {}\n",
        ),
    ],
)
def test_who_is_ahead(
    event: tuple[str, float, float, bool], lines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    metric, baseline, dev, wide = event
    FitReport(Console())(Compared(metric, {metric: dev}, {metric: baseline, "seconds": 2.6}, wide))
    assert capsys.readouterr().err == lines


def test_the_time_left_is_that_of_the_steps_to_come(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Resumed at half of training, a quarter of it took 25 seconds."""
    report = FitReport(Console())
    report(BUILT)
    capsys.readouterr()
    for step in range(50, 76):
        report(Stepped(step + 1, 2, step / 100, SUMS, 0.01, 1.0))
        clock.now += 1
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith("70% epoch 3/4, loss 0.5000, 3,000 tokens/s, 0:30 left")
    )
