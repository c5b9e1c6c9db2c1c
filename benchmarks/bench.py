"""How fast seqtrain trains, next to Keras, PyTorch and the limit of the machine; and what its commands take.

    python benchmarks/bench.py [--only long short ...] [--repeats 5] [--quick] [--out FILE]

Speed counts real tokens, not padding, of the same prepared batches, the optimizer included. Nobody drops out or clips,
so that all do the same arithmetic. Each contender has a process of its own; they take turns in each round while the
others sleep. A first round, which compiles and fills caches, does not count.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import commands
from contenders import contest
from contenders.contest import PRODUCTS, Result, installed
from measure import save, table
from rows import Row, report, shown
from workloads import WORKLOADS, Workload, averages, batches

PARTS = (*WORKLOADS, "commands")
SIZES, TINY_SIZES = (2048, 4096), (256, 512)  # of matrices
BUSY = 0.5  # processes that want a core before we begin


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the speed of training, and of the commands.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run (all)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--quick", action="store_true", help="train tiny models, to see that it works")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="JSON (build/bench.json)")
    options = parser.parse_args()
    if (load := os.getloadavg()[0]) > BUSY:
        print(
            f"the machine is busy (load {load:.1f}), which slows some down more than others", file=sys.stderr
        )
    workloads = [WORKLOADS[name] for name in options.only if name in WORKLOADS]
    results, rows = [], []
    if workloads and options.quick:
        results, rows = contest.measure(list(map(tiny, workloads)), TINY_SIZES, options.repeats)
    elif workloads:
        results, rows = contest.measure(workloads, SIZES, options.repeats)
    if workloads:
        print(training_report(results, rows), end="\n\n", flush=True)
    if "commands" in options.only:
        rows += commands.measure(options.repeats)
    print(report(rows))
    save(options.out, record(results, rows))


def tiny(workload: Workload) -> Workload:
    title = f"tiny: {workload.title}"
    return replace(workload, title=title, vocabulary_size=1000, embedding_size=8, units=8, batches=4)


def training_report(results: Sequence[Result], products: Sequence[Row]) -> str:
    """The limit is the fastest product; at the end it says who is left out."""
    header = ("training, real tokens/s", "median", "least", "most", "× Keras", "of the limit", "cores")
    limit = max(product.value for product in products)
    lines = [line for result in results for line in _lines(result, limit)]
    missing = [
        f"{one.name} is left out: {one.needs} is not installed" for one in PRODUCTS if not installed(one)
    ]
    return "\n".join([table(header, lines), *missing])


def _lines(result: Result, limit: float) -> Iterator[Sequence[str]]:
    yield (result.workload.title, *[""] * 6)
    for contender in result.rounds:
        speeds = result.speeds(contender)
        yield (
            f"  {contender.name}",
            *map(shown, (result.speed(contender), min(speeds), max(speeds))),
            f"{result.times_yardstick(contender):.2f}",
            f"{result.gflops(contender) / limit:.1%}",
            f"{result.cores(contender):.1f}",
        )


def record(results: Sequence[Result], rows: Sequence[Row]) -> dict[str, Any]:
    """For the file: what the tables show, every round, and what the batches were like."""
    return {
        "peers": {"keras": version("keras")}
        | {one.needs: version(one.needs) for one in PRODUCTS if installed(one)},
        "training": list(map(_record, results)),
        "rows": [row._asdict() for row in rows],
    }


def _record(result: Result) -> dict[str, Any]:
    return {
        **asdict(result.workload),
        "flops_per_token": result.workload.flops_per_token(),
        "batch": averages(batches(result.workload)),
        "contenders": {
            contender.name: {
                "tokens_per_second": result.speed(contender),
                "times_keras": result.times_yardstick(contender),
                "gflops": result.gflops(contender),
                "cores": result.cores(contender),
                "rounds": rounds,
            }
            for contender, rounds in result.rounds.items()
        },
    }


if __name__ == "__main__":
    main()
