"""How fast texts become a corpus: from opening the file to the finished corpora, in one process and with all cores.

    python benchmarks/encoding.py [FILE] [--rows 100000] [--repeats 5] [--out FILE]

FILE is labelled text in a format of seqtrain's, such as a .tsv. Without one, texts are generated: 200 words on average,
drawn from 200,000 by the rank-frequency law, with marks in between. A token counts if it is in the corpora: after
truncation to 400. Rounds alternate between the two; a first one, which brings the file into memory, does not count.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import save, table

from seqtrain.data.corpus import build_corpora
from seqtrain.data.reader import read
from seqtrain.data.workers import usable_processes
from seqtrain.text.tokenizer import Tokenizer

SEED, WORDS, LONGEST, LABELS = 1, 200_000, 380, ("neg", "pos")
TOKENIZER = Tokenizer("word", lowercase=True, max_length=400, truncate="middle")
MARKS = np.array(["", ",", ".", "!"])
MARK_SHARES = [0.86, 0.07, 0.06, 0.01]
TARGET = 5e6  # tokens a second with two cores


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast texts are tokenized and encoded.")
    parser.add_argument("file", type=Path, nargs="?", help="labelled texts, such as train.tsv (generated)")
    parser.add_argument("--rows", type=int, default=100_000, help="texts to generate (100000)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    if options.file:
        speeds = measure_file(options.file, options.repeats)
    else:
        speeds = measure_encoding(options.rows, options.repeats)
    figures = {name: figure(values) for name, values in speeds.items()}
    lines = [[name, *(f"{value / 1e6:.2f}" for value in values.values())] for name, values in figures.items()]
    print(table(("million tokens/s", "median", "min", "max"), lines))
    save(options.out, {name: {**values, "target": TARGET} for name, values in figures.items()})


def measure_encoding(rows: int, repeats: int) -> dict[str, list[float]]:
    """Tokens a second for generated texts: for "1 process" and, if there are cores for it, for "2 processes"."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.tsv"
        with file.open("w") as stream:
            stream.writelines(generated(rows))
        return measure_file(file, repeats)


def measure_file(file: Path, repeats: int) -> dict[str, list[float]]:
    """Tokens a second for the texts of a file, likewise."""
    names = {number: f"{number} process{'es' if number > 1 else ''}" for number in (1, usable_processes())}
    rounds = [{name: speed(file, number) for number, name in names.items()} for _ in range(1 + repeats)]
    return {name: [taken[name] for taken in rounds[1:]] for name in names.values()}


def speed(file: Path, processes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        corpora = build_corpora(
            read(file, columns=None, labelled=True, max_line_bytes=1 << 20),
            0.1,
            Path(folder),
            TOKENIZER,
            min_count=2,
            max_size=30_000,
            split_seed=SEED,
            processes=processes,
        )
        seconds = time.perf_counter() - start
        return (len(corpora.train.token_ids) + len(corpora.dev.token_ids)) / seconds


def generated(rows: int) -> Iterator[str]:
    """Lines of a labelled table."""
    random = np.random.default_rng(SEED)
    words = np.array([name(7919 * rank) for rank in range(1, WORDS + 1)])
    reach = np.cumsum(1 / (np.arange(WORDS) + 2.7))  # Zipf's law, as Mandelbrot wrote it
    for row in range(rows):
        length = min(int(random.lognormal(5.1, 0.65)) + 1, LONGEST)
        drawn = words[np.searchsorted(reach, random.random(length) * reach[-1])]
        marked = np.char.add(drawn, random.choice(MARKS, length, p=MARK_SHARES))
        yield f"{LABELS[row % 2]}\t{' '.join(marked)}\n"


def name(number: int) -> str:
    """The number in letters: small ones are short, as frequent words are."""
    letters = ""
    while number:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return letters


def figure(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


if __name__ == "__main__":
    main()
