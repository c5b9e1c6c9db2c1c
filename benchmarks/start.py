"""How long a cold shell waits: `seqtrain --help` and a one-line `seqtrain predict`, next to two yardsticks.

    python benchmarks/start.py [--repeats 15] [--out FILE]

Every figure is a process of its own, from its start to its end. The commands take turns, so that a busy moment of the
machine meets all of them; a first round, which brings files into the system's cache, does not count.
The model has random weights: time does not depend on what it has learnt.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from measure import SEQTRAIN, Timed, run, save, table

from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_metadata
from seqtrain.run import Run
from seqtrain.run.atomic import write_json
from seqtrain.run.provenance import sha256
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import SPECIAL, Vocabulary

WORDS, SIZE, LABELS = 30_000, 128, ("neg", "pos")
TEXT = "w9 w12345 w77 w2 w29999 w1024 w3"
TARGETS = {"seqtrain --help": 0.25, "seqtrain predict --text": 0.6}  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long commands take from a cold shell.")
    parser.add_argument("--repeats", type=int, default=15, help="processes per command (15)")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = in_turns(
            {
                "python -c pass": [sys.executable, "-c", "pass"],
                **commands(Path(folder)),
                "python -c 'import tensorflow'": [sys.executable, "-c", "import tensorflow"],
            },
            options.repeats,
        )
    figures = {name: figure(taken) for name, taken in times.items()}
    print(
        table(("seconds", "median", "min", "max", "cpu", "target"), [row(*item) for item in figures.items()])
    )
    save(options.out, {name: {**values, "target": TARGETS.get(name)} for name, values in figures.items()})


def commands(folder: Path) -> dict[str, list[str]]:
    """Those of TARGETS; fills the folder with the run that they need."""
    random_run(folder)
    predict = [SEQTRAIN, "predict", "--run", str(folder), "--text", TEXT]
    return {"seqtrain --help": [SEQTRAIN, "--help"], "seqtrain predict --text": predict}


def in_turns(commands: Mapping[str, Sequence[str]], repeats: int) -> dict[str, list[Timed]]:
    """So many processes of each command, after a first one that does not count."""
    rounds = [{name: run(command) for name, command in commands.items()} for _ in range(1 + repeats)]
    return {name: [taken[name] for taken in rounds[1:]] for name in commands}


def random_run(folder: Path) -> None:
    """Fills the folder with as much of a run as a prediction needs: the default model, 30,000 words."""
    random = np.random.default_rng(1)
    shapes = {
        "embedding": (WORDS, SIZE),
        "output.kernel": (2 * SIZE, len(LABELS)),
        "output.bias": (len(LABELS),),
    }
    for direction in ("forward", "backward"):
        shapes[f"layer_0.{direction}.kernel"] = (SIZE, 4 * SIZE)
        shapes[f"layer_0.{direction}.recurrent_kernel"] = (SIZE, 4 * SIZE)
        shapes[f"layer_0.{direction}.bias"] = (4 * SIZE,)
    words = [*SPECIAL, *(f"w{number}" for number in range(len(SPECIAL), WORDS))]
    tokenizer = Tokenizer("word", lowercase=True, max_length=400, truncate="middle")
    model = build_onnx(
        {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()},
        cell="lstm",
        layers=1,
        bidirectional=True,
        pooling=["mean"],
        metadata=model_metadata(LABELS, Vocabulary(words, counts=[0] * WORDS), tokenizer),
    )
    place = Run(folder)
    place.model_file.write_bytes(model)
    files = {place.model_file.name: sha256(place.model_file)}
    write_json(place.info_file, {"status": "finished", "files": files})


def figure(times: list[Timed]) -> dict[str, float]:
    """Seconds: the median, the extremes, and the median of what all cores together spent."""
    seconds = [taken.seconds for taken in times]
    return {
        "median": statistics.median(seconds),
        "min": min(seconds),
        "max": max(seconds),
        "cpu": statistics.median(taken.cpu_seconds for taken in times),
    }


def row(name: str, values: dict[str, float]) -> list[str]:
    target = f"≤ {TARGETS[name]}" if name in TARGETS else ""
    return [name, *(f"{value:.3f}" for value in values.values()), target]


if __name__ == "__main__":
    main()
