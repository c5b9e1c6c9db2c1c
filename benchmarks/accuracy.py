"""Test accuracy and training time on public sets, next to the figures to reach.

    python benchmarks/accuracy.py DATA_FOLDER [mr trec sst2 imdb] [--seeds 1 2 3] [--work FOLDER] [--out FILE]

Every fit is `seqtrain fit` and `seqtrain eval` as a user runs them, in processes of their own; the seconds are those of
the whole `fit`, from reading the texts to the checked model file. protocol.py says what the data folder holds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from measure import SEQTRAIN, mean_and_sd, run, save, table
from protocol import RECIPES, SETS, Files

from seqtrain.run import Run


class Goal(NamedTuple):
    """bar: the test accuracy to reach; seconds: the longest that a fit may take on two cores."""

    bar: float
    seeds: Sequence[int] = (1, 2, 3)
    seconds: int | None = None


GOALS = {
    "mr": Goal(0.755),
    "trec": Goal(0.87),
    "sst2": Goal(0.82),
    "imdb": Goal(0.885, seeds=(1,), seconds=600),
}


class Fit(NamedTuple):
    """One training: dev and test accuracy, seconds of the process, real tokens a second within the steps."""

    seed: int
    dev: float
    test: float
    seconds: float
    tokens_per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure test accuracy and training time on public sets.")
    parser.add_argument("folder", type=Path, help="the data folder, see protocol.py")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)}; all without any")
    parser.add_argument("--seeds", type=int, nargs="+", help="a fit for each (1 2 3; imdb 1)")
    parser.add_argument("--work", type=Path, default=Path("build/accuracy"), help="for runs and splits")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"no set is called {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    options.work.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[Fit]] = {}
    for name in options.sets or SETS:
        files = SETS[name](options.folder, options.work)
        seeds = options.seeds or GOALS[name].seeds
        results[name] = [fit(name, files, seed, options.work) for seed in seeds]
    print(report(results))
    save(options.out, {name: [one._asdict() for one in fits] for name, fits in results.items()})


def fit(name: str, files: Files, seed: int, work: Path) -> Fit:
    """Trains and measures in fresh processes; replaces the run of an earlier time."""
    place = work / f"{name}-{seed}"
    overrides = [f"--set={setting}" for setting in (*files.overrides(), f"training.seed={seed}")]
    training = run(
        [SEQTRAIN, "fit", str(RECIPES[name]), "--out", str(place), "--overwrite", "--quiet", *overrides]
    )
    test = json.loads(run([SEQTRAIN, "eval", "--run", str(place), "--json"]).stdout)
    dev = json.loads(Run(place).metrics_file("dev").read_bytes())
    done = Fit(seed, dev["accuracy"], test["accuracy"], training.seconds, tokens_per_second(Run(place)))
    print(f"{name} seed {seed}: dev {done.dev:.4f}, test {done.test:.4f}, {done.seconds:.0f} s", flush=True)
    return done


def tokens_per_second(trained: Run) -> float:
    """Over all training steps."""
    events = [json.loads(line) for line in trained.journal_file.read_text().splitlines()]
    stretches = [
        (event["tokens_per_second"], event["seconds"]) for event in events if event["event"] == "train"
    ]
    return sum(rate * seconds for rate, seconds in stretches) / sum(seconds for _, seconds in stretches)


def report(results: dict[str, list[Fit]]) -> str:
    header = ("set", "test accuracy", "bar", "by seed", "seconds", "at most", "tokens/s")
    return table(header, [line(name, fits) for name, fits in results.items()])


def line(name: str, fits: list[Fit]) -> list[str]:
    goal = GOALS[name]
    return [
        name,
        mean_and_sd([100 * one.test for one in fits]),
        f"{100 * goal.bar:.1f}",
        " ".join(f"{100 * one.test:.2f}" for one in fits),
        mean_and_sd([one.seconds for one in fits], digits=0),
        "" if goal.seconds is None else str(goal.seconds),
        mean_and_sd([one.tokens_per_second for one in fits], digits=0),
    ]


if __name__ == "__main__":
    main()
