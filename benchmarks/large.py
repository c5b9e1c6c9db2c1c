"""Does training stay below 1.2 GB of memory, however large the file is? And what does a row cost?

    python benchmarks/large.py [--rows 300000 1000000 3000000] [--steps 300] [--out FILE]

Texts are generated: about 330 bytes a row, words by the rank-frequency law with a tail of ten million. `seqtrain fit`
reads them, and trains with a config's defaults; after so many steps it is measured on one row in a hundred and saved,
and some seconds later it is told to stop. The second start has the same file and may find it encoded.

    encoded, s          from the start of the process until training is prepared
    peak MB             of anonymous memory, all processes together, every 0.1 s: mapped files do not count
    bytes a row         by how much the peak is higher than with the smallest file
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from measure import SEQTRAIN, save, table
from numpy.typing import NDArray

SEED, WORDS, LONGEST, LABELS = 1, 10_000_000, 380, (b"neg", b"pos")
BLOCK_ROWS = 10_000  # generated at a time
SECONDS_BETWEEN_LOOKS, SECONDS_AFTER_EVALUATION = 0.1, 20
EVALUATED = re.compile(r" +\S+ +[\d,]+( +\d+\.\d{4}){4} ")
HEADER = (
    "rows",
    "file, MB",
    "start",
    "encoded, s",
    "peak MB, encoding",
    "bytes a row",
    "training",
    "bytes a row",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of training on large files.")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[300_000, 1_000_000, 3_000_000], help="of each file"
    )
    parser.add_argument("--steps", type=int, default=300, help="until it is evaluated (300)")
    parser.add_argument("--out", type=Path, help="write the figures here, as JSON")
    options = parser.parse_args()
    figures = [start for rows in options.rows for start in measure(rows, options.steps)]
    print(report(figures))
    save(options.out, figures)


def measure(rows: int, steps: int) -> list[dict[str, Any]]:
    """The figures of two starts on a file of so many rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, config = folder / "train.tsv", folder / "config.yaml"
        with file.open("wb") as stream:
            stream.writelines(generated(rows))
        config.write_text(
            f"data: {{train: {file}, dev: 0.01}}\ntraining: {{epochs: 1, evaluate_every: {steps}}}\n"
        )
        about = {"rows": rows, "file": file.stat().st_size / 1e6}
        return [{**about, "start": start, **fit(config, folder / start)} for start in ("first", "second")]


def fit(config: Path, out: Path) -> dict[str, float]:
    """A process of `seqtrain fit`, watched until some time after its first evaluation."""
    begin = time.perf_counter()
    command = [SEQTRAIN, "fit", str(config), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        told = Told(process.stderr)
        peaks = {"encoding": 0.0, "training": 0.0}
        while process.poll() is None and not told.evaluated:
            stage = "training" if told.encoded else "encoding"
            peaks[stage] = max(peaks[stage], sum(map(anonymous, family(process.pid))))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        process.terminate()
        told.join()
    if not told.evaluated:
        sys.exit(f"{' '.join(command)}\nended with {process.returncode}:\n{told.text}")
    return {"seconds": told.encoded - begin, **peaks}


class Told(threading.Thread):
    """Reads what `fit` says on its way: when the texts were encoded, and when it was evaluated, 0 before."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self._stream, self.text, self.encoded, self.evaluated = stream, "", 0.0, 0.0
        self.start()

    def run(self) -> None:
        for line in self._stream:
            self.text += line
            if line.startswith("data "):
                self.encoded = time.perf_counter()
            elif EVALUATED.match(line):
                time.sleep(SECONDS_AFTER_EVALUATION)
                self.evaluated = time.perf_counter()


def family(process: int) -> Iterator[int]:
    """A process and all that it has started, directly or not."""
    yield process
    for children in Path("/proc", str(process), "task").glob("*/children"):
        for child in read(children).split():
            yield from family(int(child))


def anonymous(process: int) -> float:
    """MB of memory of a process that are not mapped from files; 0 if it has ended."""
    found = re.search(r"RssAnon:\s+(\d+) kB", read(Path("/proc", str(process), "status")))
    return int(found[1]) / 1000 if found else 0.0


def read(file: Path) -> str:
    """A file of /proc; empty if the process has ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def generated(rows: int) -> Iterator[bytes]:
    """Lines of a labelled table, some thousand at a time."""
    random = np.random.default_rng(SEED)
    for done in range(0, rows, BLOCK_ROWS):
        lengths = np.minimum(
            random.lognormal(4.06, 0.5, min(BLOCK_ROWS, rows - done)).astype(np.int64) + 1, LONGEST
        )
        ranks = ranked(random.random(lengths.sum()))
        texts = spelled(97 * ranks, np.cumsum(lengths) - 1).splitlines(keepends=True)
        yield b"".join(b"%s\t%s" % (LABELS[row % 2], text) for row, text in enumerate(texts))


def ranked(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The ranks, from 1, of the words up to which there is this share, 0 to 1, of a text.

    Zipf's law as Mandelbrot wrote it, a share of 1 / (rank + 2.7)^1.1 for each word, by its integral.
    """
    shift, power = (
        2.7 + 0.5,
        1 - 1.1,
    )  # half a word more: the sum up to a rank is about the integral to its middle
    reach = shares * ((WORDS + shift) ** power - shift**power) + shift**power
    return np.ceil(reach ** (1 / power) - shift).clip(1).astype(np.int64)


def spelled(numbers: NDArray[np.int64], last: NDArray[np.int64]) -> bytes:
    """The numbers in letters, small ones in few, with spaces in between; `last` are the places where lines end."""
    powers = 26 ** np.arange(8)[::-1]
    letters = np.full((len(numbers), len(powers) + 1), ord(" "), np.uint8)
    letters[:, :-1] = ord("a") + numbers[:, None] // powers % 26
    letters[last, -1] = ord("\n")
    used = np.ones(letters.shape, bool)
    used[:, :-1] = numbers[:, None] >= powers
    return letters[used].tobytes()


def report(figures: list[dict[str, Any]]) -> str:
    """A line for each start; below the smallest file, what each further row takes."""
    lines = []
    for taken in figures:
        base = next(other for other in figures if other["start"] == taken["start"])
        lines.append(
            [f"{taken['rows']:,}", f"{taken['file']:,.0f}", taken["start"], f"{taken['seconds']:,.1f}"]
        )
        for stage in ("encoding", "training"):
            more = taken["rows"] - base["rows"]
            grown = f"{1e6 * (taken[stage] - base[stage]) / more:.0f}" if more else ""
            lines[-1] += [f"{taken[stage]:,.0f}", grown]
    return table(HEADER, lines)


if __name__ == "__main__":
    main()
