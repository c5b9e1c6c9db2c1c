"""What seqtrain's commands take: start-up, encoding, evaluation, memory. The further rows of `make bench`.

    python benchmarks/commands.py [--repeats 3] [--out FILE]

On generated texts, as many and as long as IMDB's; their words are numbers, each a token. What is compared takes turns.
What stock Keras does is told by contenders/keras_job.py and keras_startup.py.

    cold shell          a process from its start to its end
    cold shell until    from the start of the process to the end of that training step
    tokenizing, ...     benchmarks/encoding.py; with two cores the aim is 5 million tokens a second
    evaluation          real tokens a second, imports apart; at least 0.85 of the bare loop, aim 0.95
    peak memory         of a process that reads, trains one epoch, measures and saves; less than Keras, aim 0.67
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import start
from encoding import measure_encoding
from jobs import command, told
from measure import SEQTRAIN, peak_memory, save
from rows import Row, report, summary
from workloads import TEXTS, generate

import seqtrain
from seqtrain.data.batching import Batch, collate, plan_evaluation
from seqtrain.data.corpus import encode_corpus
from seqtrain.data.storage import Corpus
from seqtrain.inference import predictor
from seqtrain.text.vocabulary import UNK

TRAIN_ROWS, TEST_ROWS = 25_000, 5_000
DISTINCT_WORDS, LONGEST = 100_000, 2_500  # of the texts; training uses fewer
LABELS = ("neg", "pos")
LARGER_BATCH = 8192  # positions, padding included: with these onnxruntime's own threads work best
LONG_REPEATS = 3  # at most, of what takes half a minute each time
KERAS_STEPS = 60  # of its epoch; a whole one takes 2 % more memory


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure start-up, encoding, evaluation and memory.")
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count (3)")
    parser.add_argument("--out", type=Path, help="write the rows here, as JSON")
    options = parser.parse_args()
    rows = measure(options.repeats)
    print(report(rows))
    save(options.out, [row._asdict() for row in rows])


def measure(repeats: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        return [
            *measure_commands(folder, repeats),
            *measure_training_start(folder, min(repeats, LONG_REPEATS)),
            *(
                summary("tokenizing, encoding", name, speeds, "tokens/s")
                for name, speeds in measure_encoding(TRAIN_ROWS, repeats).items()
            ),
            *measure_evaluation(folder, min(repeats, LONG_REPEATS)),
            *measure_memory(folder),
        ]


def write_data(folder: Path) -> None:
    """train.tsv and test.tsv, a config that names them, and the ids of the training texts for those who cannot read."""
    rows = TRAIN_ROWS + TEST_ROWS
    corpus = generate(replace(TEXTS["long"], rows=rows, longest=LONGEST), DISTINCT_WORDS)
    words = np.array([f"w{number}" for number in range(DISTINCT_WORDS)], object)
    for split, some in {"train": range(TRAIN_ROWS), "test": range(TRAIN_ROWS, rows)}.items():
        with (folder / f"{split}.tsv").open("w") as file:
            for row in some:
                ids = corpus.token_ids[corpus.offsets[row] : corpus.offsets[row + 1]]
                file.write(f"{LABELS[corpus.labels[row]]}\t{' '.join(words[ids])}\n")
    data = f"data: {{train: {folder}/train.tsv, dev: 0.1, test: {folder}/test.tsv}}\n"
    (folder / "config.yaml").write_text(f"{data}training: {{epochs: 1}}\n")
    np.savez(folder / "ids.npz", **training_ids(corpus))


def training_ids(corpus: Corpus) -> dict[str, np.ndarray]:
    """What is left of the training texts within the limits of a config's defaults."""
    lengths = corpus.lengths[:TRAIN_ROWS]
    steps = np.concatenate([np.arange(length) for length in lengths])
    token_ids = corpus.token_ids[: corpus.offsets[TRAIN_ROWS]][steps < TEXTS["long"].longest]
    kept = np.minimum(lengths, TEXTS["long"].longest)
    return {
        "token_ids": np.where(token_ids < start.WORDS, token_ids, UNK),
        "offsets": np.concatenate([[0], np.cumsum(kept)]),
        "labels": corpus.labels[:TRAIN_ROWS],
    }


def measure_commands(folder: Path, repeats: int) -> list[Row]:
    place = folder / "run"
    place.mkdir()
    times = start.in_turns(start.commands(place), repeats)
    return [
        summary("cold shell", name, [taken.seconds for taken in of_one], "s", start.target(name))
        for name, of_one in times.items()
    ]


def measure_training_start(folder: Path, repeats: int) -> list[Row]:
    who = {
        "seqtrain fit": lambda: told(
            "seqtrain_job", folder / "config.yaml", folder / "started", "--stop-after", 100
        ),
        "Keras, texts encoded already": lambda: told("keras_startup", folder / "ids.npz"),
    }
    rounds = [{name: starts() for name, starts in who.items()} for _ in range(repeats)]
    return [
        summary(
            "cold shell until",
            f"step {line['step']}, {name}",
            [taken[name][place]["seconds"] for taken in rounds],
            "s",
        )
        for name, lines in rounds[0].items()
        for place, line in enumerate(lines)
    ]


def measure_evaluation(folder: Path, repeats: int) -> list[Row]:
    """`seqtrain eval` in this process, next to nothing but calls of the model on batches that are ready."""
    place, test = folder / "run", folder / "test.tsv"
    shutil.copy(folder / "config.yaml", place)
    model, opened = seqtrain.load(place), predictor.Predictor(place / "model.onnx")
    corpus = encode_corpus(
        model.labelled_rows(test), folder / "encoded", opened.tokenizer, opened.vocabulary, opened.labels
    )
    session = onnxruntime.InferenceSession(place / "model.onnx")
    same, larger = (evaluation_batches(corpus, size) for size in (predictor.BATCH_TOKENS, LARGER_BATCH))
    seconds = timed(
        {
            "bare ONNX Runtime loop": lambda: bare_loop(session, same),
            f"the same, batches of {LARGER_BATCH:,}": lambda: bare_loop(session, larger),
            "seqtrain, encoded texts": lambda: opened.corpus_probabilities(corpus),
            "seqtrain eval, file to metrics": lambda: model.evaluate(test),
        },
        repeats,
    )
    bare, tokens = seconds["bare ONNX Runtime loop"], len(corpus.token_ids)
    return [
        summary("evaluation", name, [tokens / one for one in taken], "tokens/s", share(bare, taken))
        for name, taken in seconds.items()
    ]


def share(bare: Sequence[float], seconds: Sequence[float]) -> str:
    """Of the speed of the bare loop in the same rounds."""
    shares = [one / other for one, other in zip(bare, seconds, strict=True)]
    return f"{statistics.median(shares):.2f} of the bare loop"


def evaluation_batches(corpus: Corpus, batch_tokens: int) -> list[Batch]:
    plan = plan_evaluation(corpus.lengths, batch_tokens=batch_tokens, max_batch=predictor.MAX_BATCH)
    return [collate(corpus, rows) for rows in plan]


def bare_loop(session: onnxruntime.InferenceSession, batches: list[Batch]) -> None:
    """ONNX Runtime as it comes, on all cores."""
    for batch in batches:
        session.run(["probabilities"], {"token_ids": batch.token_ids, "lengths": batch.lengths})


def timed(work: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each, in turns, after a first round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(1 + repeats):
        for name, once in work.items():
            begin = time.perf_counter()
            once()
            seconds[name].append(time.perf_counter() - begin)
    return {name: taken[1:] for name, taken in seconds.items()}


def measure_memory(folder: Path) -> list[Row]:
    """The whole job: texts, one epoch, evaluation, what is saved."""
    ours = peak_memory([SEQTRAIN, "fit", f"{folder}/config.yaml", "--out", f"{folder}/fitted", "--quiet"])
    keras = peak_memory(
        command("keras_job", folder / "train.tsv", folder / "model.keras", "--steps", KERAS_STEPS)
    )
    return [
        summary("peak memory", "seqtrain fit", [ours], "MB", f"{ours / keras:.2f} of Keras"),
        summary("peak memory", f"Keras, {KERAS_STEPS} steps", [keras], "MB"),
    ]


if __name__ == "__main__":
    main()
