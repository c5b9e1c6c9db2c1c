"""By which count should the embedding's Adam correct its bias: of all steps, or of each row's own updates?

    python benchmarks/bias_correction.py [DATA_FOLDER] [--seeds 1 2 3] [--work FOLDER] [--out FILE]

Trains configs/reviews.yaml with both rules, all else the same, and also mr and trec if their folder is given (see
protocol.py). seqtrain counts all steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import NamedTuple

from measure import mean_and_sd, save, table
from protocol import RECIPES, SETS

import seqtrain
from seqtrain.training import runtime

REVIEWS = Path(__file__).parents[1] / "configs" / "reviews.yaml"


class Fit(NamedTuple):
    """One training; dev_losses: after each epoch, in nats."""

    seed: int
    dev: float
    test: float
    dev_losses: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare two bias corrections of the embedding's Adam.")
    parser.add_argument("folder", type=Path, nargs="?", help="the data folder; without it data/reviews alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="a fit for each (1 2 3)")
    parser.add_argument("--work", type=Path, default=Path("build/bias"), help="for runs and splits")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    runtime.start(None)  # before TensorFlow is imported, which has its threads set but once
    from per_row_adam import PerRowAdam

    from seqtrain.training import trainer
    from seqtrain.training.optimizer import Adam

    sets = {"reviews": (REVIEWS, [])}
    for name in ("mr", "trec") if options.folder else ():
        sets[name] = (RECIPES[name], SETS[name](options.folder, options.work).overrides())
    results = {}
    for name, (config, overrides) in sets.items():
        results[name] = {}
        for rule, optimizer in {"all steps": Adam, "own updates": PerRowAdam}.items():
            trainer.Adam = optimizer
            results[name][rule] = [fit(config, overrides, seed, options.work) for seed in options.seeds]
        print(report(name, results[name]), flush=True)
    save(options.out, results)


def fit(config: Path, overrides: list[str], seed: int, work: Path) -> Fit:
    """Trains to the last epoch; dev and test are measured with the weights that dev chose."""
    settings = [*overrides, "training.patience=null", f"training.seed={seed}"]
    model = seqtrain.fit(config, out=work / "run", overrides=settings, overwrite=True)
    events = [json.loads(line) for line in model.run.journal_file.read_text().splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "dev"]
    return Fit(seed, model.evaluate(split="dev")["accuracy"], model.evaluate()["accuracy"], losses)


def report(name: str, rules: dict[str, list[Fit]]) -> str:
    lines = [
        [
            rule,
            mean_and_sd([100 * one.dev for one in fits]),
            mean_and_sd([100 * one.test for one in fits]),
            " ".join(
                f"{statistics.mean(epoch):.3f}"
                for epoch in zip(*(one.dev_losses for one in fits), strict=True)
            ),
        ]
        for rule, fits in rules.items()
    ]
    return table((f"{name}, bias by", "dev accuracy", "test accuracy", "dev loss by epoch"), lines)


if __name__ == "__main__":
    main()
