"""`fit --seeds`: how each seed is trained, and what is told of all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from seqtrain.cli import INTERRUPTED, TERMINATED
from seqtrain.cli.apart import run_apart
from seqtrain.cli.console import Console, facts
from seqtrain.pipeline.seeds import Comparison, SeedBegun, SeedsCompared

SCORES = ("accuracy", "macro_f1", "log_loss")


def training_apart(config: str, overrides: Sequence[str], *, quiet: bool) -> Callable[[int, Path], None]:
    """What trains a seed: `seqtrain fit` in a process of its own, which gives all its memory back at its end.

    Where that ends early it has said why; then this command ends with its exit code.
    """
    options = [
        *(f"--set={override}" for override in overrides),
        *(["--quiet"] if quiet else []),
        *(["--debug"] if "--debug" in sys.argv else []),  # `main` takes it out of what commands get
    ]

    def train(seed: int, place: Path) -> None:
        code = run_apart(
            ["fit", f"--out={place}", *options, f"--set=training.seed={seed}", "--resume", "--", config]
        )
        if code in (INTERRUPTED, TERMINATED):
            raise SystemExit(code)
        if code:
            raise click.exceptions.Exit(code)

    return train


class SeedsReport:
    """A listener of `fit_seeds`: a heading for each seed, which then reports itself, and a table of all at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tell: dict[type, Callable[[Any], None]] = {
            SeedBegun: self._begun,
            SeedsCompared: self._compared,
        }

    def __call__(self, event: Any) -> None:
        self._tell[type(event)](event)

    def _begun(self, event: SeedBegun) -> None:
        self._console.attach(event.run)
        between = "\n" if event.number > 1 else ""
        self._console.say(between + facts("seed", f"{event.seed} ({event.number} of {event.count})"))

    def _compared(self, event: SeedsCompared) -> None:
        comparison = event.comparison
        chosen, name = comparison.chosen, comparison.metric
        score = f"dev {_words(name)} {_number(chosen.score)}"
        mean = f"{_number(comparison.mean(name))} ± {_number(comparison.standard_deviation(name))}"
        self._console.say("\n" + table(comparison) + "\n")
        self._console.say(
            facts("chosen", f"seed {chosen.seed}, {score}; picked by it, so {mean} is the fairer figure")
        )
        self._console.say(facts("saved", f"{event.run.path}"))


def table(comparison: Comparison) -> str:
    """A row for each seed, and those of the mean and the standard deviation."""
    names = list(dict.fromkeys([*SCORES, comparison.metric]))
    rows = [("seed", *map(_words, names), "best step", "seconds")]
    rows += [
        (
            str(result.seed),
            *(_number(result.dev[name]) for name in names),
            f"{result.best_step:,}",
            f"{result.seconds:.1f}",
        )
        for result in comparison.results
    ]
    rows.append(("mean", *(_number(comparison.mean(name)) for name in names)))
    rows.append(("± sd", *(_number(comparison.standard_deviation(name)) for name in names)))
    return "\n".join(" ".join(f"{cell:>10}" for cell in row) for row in rows)


def _words(metric: str) -> str:
    return metric.replace("_", " ").replace("f1", "F1")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
