"""How long a cold shell waits: for `seqtrain --help`, a one-line `predict` and a short `eval`, next to two yardsticks.

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
from measure import SEQTRAIN, Timed, peak_memory, run, save, table

from seqtrain.data.reading import Reading
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_metadata
from seqtrain.run import Run
from seqtrain.run.atomic import write_json
from seqtrain.run.provenance import sha256
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import SPECIAL, Vocabulary

WORDS, SIZE, LABELS = 30_000, 128, ("neg", "pos")
TEXT = "w9 w12345 w77 w2 w29999 w1024 w3"
ROWS, ROW_WORDS = 1_000, 20  # of the file that `eval` measures the model on
HELP, PREDICT, PREDICT_FILE = "seqtrain --help", "seqtrain predict --text", "the same by model.onnx alone"
EVAL, TENSORFLOW = f"seqtrain eval, {ROWS:,} rows", "python -c 'import tensorflow'"
YARDSTICKS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    TENSORFLOW: [sys.executable, "-c", "import tensorflow"],
}
TARGETS = {HELP: 0.12, PREDICT: 0.35, PREDICT_FILE: 0.35}  # seconds
LEAST_RATIO = 8  # of the time of TENSORFLOW to that of PREDICT
MOST_MEGABYTES = 150  # resident, of PREDICT


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long commands take from a cold shell.")
    parser.add_argument("--repeats", type=int, default=15, help="processes per command (15)")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ours = commands(Path(name))
        times = in_turns(YARDSTICKS | ours, options.repeats)
        megabytes = peak_memory(ours[PREDICT])
    figures = {name: figure(taken) for name, taken in times.items()}
    ratio = figures[TENSORFLOW]["median"] / figures[PREDICT]["median"]
    print(
        table(("seconds", "median", "min", "max", "cpu", "target"), list(map(row, figures, figures.values())))
    )
    print(f"\nimport tensorflow takes {ratio:.1f} times as long as {PREDICT}, target ≥ {LEAST_RATIO}")
    print(f"peak memory of {PREDICT}: {megabytes:.0f} MB, target ≤ {MOST_MEGABYTES}")
    seconds = {name: {**values, "target": TARGETS.get(name)} for name, values in figures.items()}
    save(options.out, {"seconds": seconds, "tensorflow_ratio": ratio, "predict_megabytes": megabytes})


def commands(folder: Path) -> dict[str, list[str]]:
    """Those that are measured; fills the folder with what they need."""
    random_run(folder)
    rows = folder / "rows.tsv"
    write_rows(rows)
    (folder / "config.yaml").write_text(f"data: {{train: {rows}, dev: 0.1}}\n")
    return {
        HELP: [SEQTRAIN, "--help"],
        PREDICT: [SEQTRAIN, "predict", "--run", str(folder), "--text", TEXT],
        PREDICT_FILE: [SEQTRAIN, "predict", "--run", str(folder / "model.onnx"), "--text", TEXT],
        EVAL: [SEQTRAIN, "eval", "--run", str(folder), "--data", str(rows)],
    }


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
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    model = build_onnx(
        weights | {"output.scale": np.ones(1, np.float32)},
        cell="lstm",
        layers=1,
        bidirectional=True,
        pooling=["mean"],
        metadata=model_metadata(LABELS, Vocabulary(words, counts=[0] * WORDS), tokenizer, card={}),
    )
    place = Run(folder)
    place.model_file.write_bytes(model)
    files = {place.model_file.name: sha256(place.model_file)}
    reading = Reading(None, max_line_bytes=1 << 20).facts()
    write_json(place.info_file, {"status": "finished", "reading": reading, "files": files})


def write_rows(path: Path) -> None:
    """Labelled texts of the model's words."""
    words = np.random.default_rng(2).integers(len(SPECIAL), WORDS, (ROWS, ROW_WORDS))
    texts = (" ".join(f"w{word}" for word in row) for row in words)
    path.write_text("".join(f"{LABELS[number % 2]}\t{text}\n" for number, text in enumerate(texts)))


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
    return [name, *(f"{value:.3f}" for value in values.values()), target(name)]


def target(name: str) -> str:
    """What is aimed at for a command, in seconds, or nothing."""
    return f"≤ {TARGETS[name]}" if name in TARGETS else ""


if __name__ == "__main__":
    main()
