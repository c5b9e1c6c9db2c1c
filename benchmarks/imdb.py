"""How long from a cold shell to 88 % on IMDB's test set, for this project and for stock Keras.

    python benchmarks/imdb.py DATA_FOLDER [--goal 0.88] [--seeds 1] [--rows N] [--work build/imdb] [--out FILE]

seqtrain trains as benchmarks/configs/many.yaml says, all its epochs; contenders/keras_job.py tells how Keras does the
same. The clock runs from the start of the process to the end of an epoch, validation included. Measuring on the test
set is not counted, and no weights are chosen by it: seqtrain's checkpoints are measured when all is over, and Keras's
clock stands still. Keras ends when it gets there, or gives up after KERAS_EPOCHS or KERAS_MINUTES. One runs after the
other. protocol.py describes the data folder.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jobs import told
from measure import save, table
from protocol import RECIPES, Files, imdb
from safetensors.numpy import load_file

from seqtrain.data.corpus import encode_corpus
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_metadata
from seqtrain.inference.predictor import Predictor
from seqtrain.run import Run
from seqtrain.trained import open_model
from seqtrain.training.checkpoint import STATE

KERAS_EPOCHS, KERAS_MINUTES = 8, 25


class Epoch(NamedTuple):
    """seconds: from a cold shell to its end; dev, test: accuracies of the weights at its end."""

    number: int
    seconds: float
    dev: float
    test: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the time to an accuracy on IMDB's test set.")
    parser.add_argument("folder", type=Path, help="the data folder, see protocol.py")
    parser.add_argument("--goal", type=float, default=0.88, help="the test accuracy to reach (0.88)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="a training of each for each (1)")
    parser.add_argument("--rows", type=int, help="use so many of each file alone, to see that it works")
    parser.add_argument("--work", type=Path, default=Path("build/imdb"), help="for runs and splits")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    files = imdb(options.folder, options.work)
    if options.rows:
        files = some_of(files, options.rows, options.work)
    trainings = {
        f"{name}, seed {seed}": train(files, seed, options.goal, options.work)
        for name, train in {"seqtrain": seqtrain, "Keras": keras}.items()
        for seed in options.seeds
    }
    print(report(trainings, options.goal))
    epochs = {name: [epoch._asdict() for epoch in of_one] for name, of_one in trainings.items()}
    save(options.out, {"goal": options.goal, "epochs": epochs})


def some_of(files: Files, rows: int, work: Path) -> Files:
    """So many lines of each file, evenly spread, for the files are sorted by label."""
    return files._replace(
        **{split: _some_of(getattr(files, split), rows, work / f"{split}.tsv") for split in ("train", "test")}
    )


def _some_of(path: Path, rows: int, target: Path) -> Path:
    lines = gzip.decompress(path.read_bytes()).removesuffix(b"\n").split(b"\n")
    chosen = np.linspace(0, len(lines) - 1, min(rows, len(lines))).astype(int)
    target.write_bytes(b"".join(lines[line] + b"\n" for line in chosen))
    return target


def seqtrain(files: Files, seed: int, goal: float, work: Path) -> list[Epoch]:
    """Trains to its end, since the recipe is for so many epochs."""
    run, overrides = Run(work / f"seqtrain-{seed}"), [*files.overrides(), f"training.seed={seed}"]
    # Beside the run, since a link does not lead to another disk.
    with tempfile.TemporaryDirectory(dir=work) as kept:
        settings = [f"--set={setting}" for setting in overrides]
        lines = told("seqtrain_job", RECIPES["imdb"], run.path, *settings, "--keep", kept)
        ends = {line["epoch"]: line for line in lines if "epoch" in line}
        tests = test_accuracies(run, [Path(kept, str(number)) for number in ends])
        return [
            Epoch(number, line["seconds"], line["dev"], test)
            for (number, line), test in zip(ends.items(), tests, strict=True)
        ]


def test_accuracies(run: Run, checkpoints: list[Path]) -> Iterator[float]:
    """How accurate the weights of each checkpoint are on the test rows of the run's config."""
    final, shape = Predictor(run.model_file), run.config().model
    with tempfile.TemporaryDirectory() as folder:
        rows = open_model(run.path).labelled_rows()
        corpus = encode_corpus(rows, Path(folder), final.tokenizer, final.vocabulary, final.labels)
        for checkpoint in checkpoints:
            model = build_onnx(
                weights(checkpoint) | {"output.scale": np.ones(1, np.float32)},
                cell=shape.cell,
                layers=shape.layers,
                bidirectional=shape.bidirectional,
                pooling=shape.pooling,
                metadata=model_metadata(final.labels, final.vocabulary, final.tokenizer, card={}),
            )
            answers = Predictor(model).corpus_probabilities(corpus).argmax(axis=1)
            yield float(np.mean(answers == corpus.labels))


def weights(checkpoint: Path) -> dict[str, np.ndarray]:
    """Those of a checkpoint, without the moments."""
    state = load_file(checkpoint / STATE)
    return {name.removeprefix("weights/"): state[name] for name in state if name.startswith("weights/")}


def keras(files: Files, seed: int, goal: float, work: Path) -> list[Epoch]:
    limits = ("--goal", goal, "--epochs", KERAS_EPOCHS, "--minutes", KERAS_MINUTES)
    model = work / f"keras-{seed}.keras"
    lines = told("keras_job", files.train, model, "--test", files.test, "--seed", seed, *limits)
    return [Epoch(line["epoch"], line["seconds"], line["dev"], line["test"]) for line in lines]


def report(trainings: dict[str, list[Epoch]], goal: float) -> str:
    """Every epoch, and who got there when."""
    header = ("from a cold shell", "epoch", "seconds", "dev accuracy", "test accuracy")
    rows = [
        (name, f"{epoch.number}", f"{epoch.seconds:.1f}", f"{epoch.dev:.4f}", f"{epoch.test:.4f}")
        for name, epochs in trainings.items()
        for epoch in epochs
    ]
    ends = [(name, _end(epochs, goal)) for name, epochs in trainings.items()]
    return f"{table(header, rows)}\n\n{table((f'test accuracy ≥ {goal:.0%}', 'after'), ends)}"


def _end(epochs: list[Epoch], goal: float) -> str:
    reached = [epoch.seconds for epoch in epochs if epoch.test >= goal]
    return f"{reached[0]:.1f} s" if reached else f"not within {epochs[-1].seconds:.0f} s"


if __name__ == "__main__":
    main()
