"""What do checkpoints cost at defaults, as a share of the time that training takes?

    python benchmarks/checkpoints.py [reviews long] [--repeats 3] [--out FILE]

    reviews    configs/reviews.yaml, all its epochs (`make data` makes its files); half a minute a fit
    long       all defaults, two epochs of generated texts, as many and as long as IMDB's; over a minute a fit

Fits with checkpoints and without take turns, each in a process of its own; without, only the best weights are written,
once, when training is over. Seconds are from the first batch until all is written; "waited" and "beside" are what the
run itself records in run.json: what training waited for, and the processor time of the thread that writes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from encoding import generated
from measure import run, save, table

WORKLOADS = {
    "reviews": ("configs/reviews.yaml", []),
    "long": ("{folder}/long.yaml", ["training.epochs=2"]),
}
LONG_ROWS = 25_000
LIMIT = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what checkpoints cost.")
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(WORKLOADS)}; all without any")
    parser.add_argument("--repeats", type=int, default=3, help="fits with checkpoints, and without (3)")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "CONFIG", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(fit(*options.one, options.set)))
        return
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"no workload is called {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    results = {name: measured(name, options.repeats) for name in options.workloads or WORKLOADS}
    print(report(results))
    save(options.out, results)


def measured(name: str, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """The fits of a workload, with checkpoints and without."""
    fits: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        if name == "long":
            write_long(Path(folder))
        config, overrides = WORKLOADS[name]
        settings = [f"--set={override}" for override in overrides]
        for number in range(repeats):
            for way in WAYS:
                arguments = [way, config.format(folder=folder), f"{folder}/{number}-{way}"]
                fits[way].append(
                    json.loads(run([sys.executable, __file__, *settings, "--one", *arguments]).stdout)
                )
    return fits


def write_long(folder: Path) -> None:
    with (folder / "train.tsv").open("w") as file:
        file.writelines(generated(LONG_ROWS))
    (folder / "long.yaml").write_text(f"data: {{train: {folder}/train.tsv, dev: 0.1}}\n")


def fit(way: str, config: str, out: str, overrides: list[str]) -> dict[str, Any]:
    """Trains in this process: seconds and processor seconds of training, and what run.json says of checkpoints."""
    from seqtrain.config import load_config
    from seqtrain.pipeline import fit
    from seqtrain.training.keeper import Keeper
    from seqtrain.training.loop import Stepped

    marks: list[tuple[float, float]] = []

    def mark() -> None:
        marks.append((time.perf_counter(), time.process_time()))

    def listen(event: Any) -> None:
        if isinstance(event, Stepped) and not marks:
            mark()

    with patch.multiple(Keeper, **WAYS[way](Keeper, mark)):
        done = fit(load_config(config, overrides), out=out, notify=listen)
    (start, cpu_start), (end, cpu_end) = marks
    return {"seconds": end - start, "cpu_seconds": cpu_end - cpu_start, **done.info()["checkpoints"]}


def writing(keeper: Any, mark: Callable[[], None]) -> dict[str, Any]:
    """What of the keeper of checkpoints is replaced: at its end, when all is written, the time is taken."""
    end = keeper.__exit__

    def ended(self: Any, *error: object) -> None:
        end(self, *error)
        mark()

    return {"__exit__": ended}


def remembering(keeper: Any, mark: Callable[[], None]) -> dict[str, Any]:
    """Likewise: the best checkpoint stays in memory, and is written for the export when the time has been taken."""

    def remember(self: Any, checkpoint: Any) -> None:
        if checkpoint.progress.best_step in (None, checkpoint.progress.step):
            self.best = checkpoint

    def ended(self: Any, *error: object) -> None:
        mark()
        self._write(self.best)
        self._thread.shutdown()

    return {"save": remember, "__exit__": ended}


WAYS = {"with": writing, "without": remembering}


def report(results: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> str:
    header = ("training", "s with", "s without", "cost", "written", "waited", "beside", "at most")
    return table(header, [line(name, fits) for name, fits in results.items()])


def line(name: str, fits: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    def median(way: str, figure: str) -> float:
        return statistics.median(one[figure] for one in fits[way])

    seconds = {way: median(way, "seconds") for way in WAYS}
    shares = [
        seconds["with"] / seconds["without"] - 1,
        median("with", "waited") / seconds["with"],
        median("with", "processor") / seconds["with"],
    ]
    cost, waited, beside = (f"{share:.2%}" for share in shares)
    written = f"{median('with', 'written'):.0f}"
    return [
        name,
        f"{seconds['with']:.2f}",
        f"{seconds['without']:.2f}",
        cost,
        written,
        waited,
        beside,
        f"{LIMIT:.0%}",
    ]


if __name__ == "__main__":
    main()
