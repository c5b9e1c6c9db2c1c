"""How fast `seqtrain predict` answers a stream, next to a bare ONNX Runtime loop; how late; in how much memory.

    python benchmarks/predicting.py [--repeats 5] [--texts short long] [--out FILE]

The default model with 30,000 words and random weights, on generated texts with the lengths and word frequencies of
workloads.py. Every figure of speed is a process of its own, from its start to its end, reading a file and writing to
a pipe; they take turns, and a first round does not count. contenders/onnx_predict.py is the bare loop, in several
arrangements of the cores. The quickest of them, by its median, is the yardstick: target 0.85 of its speed, aim 0.95.

The delay is what passes from a line's arrival in a pipe, which stays open, to its answer.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs import command
from measure import SEQTRAIN, Timed, peak_memory, save, table
from start import WORDS, in_turns, random_run
from workloads import TEXTS, generate

from seqtrain.cores import usable_cores

ROWS = {"short": 100_000, "long": 10_000}
DISTINCT_WORDS = 100_000  # of the texts; the model knows some of them
OURS = "seqtrain predict"
TARGET = 0.85  # of the speed of the bare loop
MOST_MEGABYTES = 150
DELAYED_LINES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure predictions on a stream.")
    parser.add_argument("--repeats", type=int, default=5, help="processes per command (5)")
    parser.add_argument(
        "--texts", nargs="+", choices=list(ROWS), default=list(ROWS), help="kinds of texts (all)"
    )
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(Path(name), options.texts, options.repeats)
    save(options.out, results)


def measure(folder: Path, kinds: Sequence[str], repeats: int) -> dict[str, Any]:
    random_run(folder)
    model, results = folder / "model.onnx", {}
    for kind in kinds:
        file = folder / f"{kind}.txt"
        tokens = write_texts(file, kind)
        times = in_turns(contenders(model, file), repeats)
        results[kind] = figures(times, tokens)
        print(f"{kind} texts, {ROWS[kind]:,} of {tokens / ROWS[kind]:.0f} tokens\n{report(results[kind])}\n")
        results[kind]["megabytes"] = peak_memory([SEQTRAIN, "predict", "--run", str(model), str(file)])
        print(f"peak memory {results[kind]['megabytes']:.0f} MB, target ≤ {MOST_MEGABYTES}\n")
    results["delay"] = delay(model)
    print("answer to a line {median:.2f} ms after it arrived, at most {max:.2f}".format(**results["delay"]))
    return results


def write_texts(path: Path, kind: str) -> int:
    """Writes a text a line; returns how many tokens the model sees of them."""
    texts = replace(TEXTS[kind], rows=ROWS[kind])
    corpus = generate(texts, DISTINCT_WORDS)
    with path.open("w") as file:
        for start, stop in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True):
            file.write(" ".join(f"w{number}" for number in corpus.token_ids[start:stop]) + "\n")
    return len(corpus.token_ids)


def contenders(model: Path, file: Path) -> dict[str, list[str]]:
    cores = usable_cores()
    arrangements = {
        "bare, a call on one core, tokenizing on the other": (1536, 1, 1),
        "bare, a call on each core, 1,536 positions": (1536, cores, 1),
        "bare, a call on each core, 2,048 positions": (2048, cores, 1),
        "bare, one call on all cores, 2,048 positions": (2048, 1, cores),
        "bare, one call on all cores, 8,192 positions": (8192, 1, cores),
    }
    bare = {
        name: command(
            "onnx_predict",
            model,
            file,
            "--batch-tokens",
            tokens,
            "--side-by-side",
            calls,
            "--threads",
            threads,
        )
        for name, (tokens, calls, threads) in arrangements.items()
    }
    return {OURS: [SEQTRAIN, "predict", "--run", str(model), str(file)], **bare}


def figures(times: dict[str, list[Timed]], tokens: int) -> dict[str, Any]:
    """Of each contender the median seconds, tokens a second, and its speed as a share of the quickest bare loop's."""
    if len({one.stdout.count("\n") for taken in times.values() for one in taken}) > 1:
        sys.exit("not every contender answered every text")
    medians = {name: statistics.median(one.seconds for one in taken) for name, taken in times.items()}
    yardstick = min(median for name, median in medians.items() if name != OURS)
    return {
        name: {
            "seconds": median,
            "cpu_seconds": statistics.median(one.cpu_seconds for one in times[name]),
            "tokens_per_second": tokens / median,
            "share": yardstick / median,
        }
        for name, median in medians.items()
    }


def report(results: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{one['seconds']:.2f}",
            f"{one['cpu_seconds']:.2f}",
            f"{one['tokens_per_second']:,.0f}",
            f"{one['share']:.2f}",
            f"≥ {TARGET}" if name == OURS else "",
        ]
        for name, one in results.items()
    ]
    return table(("process", "seconds", "cpu", "tokens/s", "of the bare loop", "target"), rows)


def delay(model: Path) -> dict[str, float]:
    """Milliseconds from a line to its answer, which the next line awaits; the first also waits for the start."""
    arguments = [SEQTRAIN, "predict", "--run", str(model)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        taken = []
        for number in range(1 + DELAYED_LINES):
            begin = time.perf_counter()
            process.stdin.write(
                b" ".join(b"w%d" % (number * place % WORDS) for place in range(2, 22)) + b"\n"
            )
            process.stdin.flush()
            process.stdout.readline()
            taken.append((time.perf_counter() - begin) * 1000)
        process.stdin.close()
    return {"first": taken[0], "median": statistics.median(taken[1:]), "max": max(taken[1:])}


if __name__ == "__main__":
    main()
