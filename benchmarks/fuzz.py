"""Fuzzing that goes on for minutes: nasty inputs made worse at random, in this process and in real ones.

    python benchmarks/fuzz.py [--seconds 300] [--seed 1] [--keep build/fuzz] [--out FILE]

reading     any bytes as any format, with every setting of columns and labels, by the laws of fuzzing/laws.py
gzip        the same through a compressed file: records, or damage that is told
config      a config: accepted and read back the same, or refused
vocabulary  a vocabulary: accepted and written as it was, or refused
commands    predict, eval, check data and fit (which has a bad row besides, so that it never trains) in a process each:
            exit code 0, 2, 3 or 4, nothing that looks like a traceback or a bug, and no more memory than FACTOR times
            that of the same command on a good file

What breaks a law is kept in a folder, told, and ends the benchmark with exit code 1 when the time is over.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from random import Random

from commands import WATCH_MEMORY
from fuzzing.laws import SETTINGS, check_reading
from fuzzing.mutation import mutated
from fuzzing.nasty import GOOD, bomb, files
from measure import SEQTRAIN, save
from start import random_run

from seqtrain.config import config_from, load_config, resolved
from seqtrain.data.reader import BadRow, read
from seqtrain.errors import DataError, RunError, UsageError
from seqtrain.text.vocabulary import SPECIAL, Vocabulary

FILES = files()
LIMITS = (1, 9, 200, 4000, 8000, 1 << 20)
CONFIG = resolved(config_from({"data": {"train": "a.tsv", "dev": 0.1, "columns": {"label": 0, "text": [1]}}}))
VOCABULARY = Vocabulary([*SPECIAL, "a", "é", "中", "b"], [0, 9, 3, 2, 1, 1]).to_tsv()
PROCESSES = ("predict", "predict <", "eval", "check data", "fit")
FACTOR = 1.5
BOMBS = [bomb(200, line) for line in (b"\0", b"[", b'pos,"', b"x" * 99_999 + b"\n")]
BOMB_EVERY = 37  # inputs

Try = Callable[[bytes, str, Random], Counter[str]]
"""Tries an input of a suffix → how many of which outcome; AssertionError, or any other, if it should not be."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz seqtrain for some minutes.")
    parser.add_argument("--seconds", type=float, default=300, help="how long (300)")
    parser.add_argument("--seed", type=int, default=1, help="another one tries other inputs (1)")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="where to keep what breaks a law"
    )
    parser.add_argument("--out", type=Path, help="write the counts here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(Path(folder), options.seconds, Random(options.seed), options.keep)
    for kind, outcomes in found.items():
        told = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common() if name != "inputs")
        print(f"{kind:<12}{outcomes['inputs']:>9,} inputs: {told}")
    save(options.out, found)
    sys.exit(any(outcomes["FAILED"] for outcomes in found.values()))


def fuzz(folder: Path, seconds: float, dice: Random, keep: Path) -> dict[str, Counter[str]]:
    """Half of the time for this process, half for others → counts of inputs and outcomes by kind."""
    here: dict[str, Try] = {
        "reading": try_reading,
        "gzip": lambda data, suffix, dice: try_file(folder, data, suffix),
        "config": lambda data, suffix, dice: try_config(folder, data, dice),
        "vocabulary": try_vocabulary,
    }
    others = Commands(folder)
    there: dict[str, Try] = {command: others.trying(command) for command in PROCESSES}
    found: dict[str, Counter[str]] = {kind: Counter() for kind in (*here, *there)}
    for kinds in (here, there):
        end = time.monotonic() + seconds / 2
        for number, (kind, attempt) in enumerate(cycle(kinds.items())):
            if time.monotonic() > end:
                break
            data, suffix = an_input(dice, number)
            found[kind]["inputs"] += 1
            found[kind] += tried(attempt, data, suffix, dice, keep / kind.replace(" ", "-"))
    return found


def an_input(dice: Random, number: int) -> tuple[bytes, str]:
    """A nasty file as it is, or made worse; now and then a bomb."""
    if number % BOMB_EVERY == 1:
        return dice.choice(BOMBS), f"{dice.choice(list(GOOD))}.gz"
    (_, suffix), data = dice.choice(list(FILES.items()))
    return data if dice.random() < 0.2 else mutated(data, dice), suffix


def tried(attempt: Try, data: bytes, suffix: str, dice: Random, place: Path) -> Counter[str]:
    try:
        return attempt(data, suffix, dice)
    except Exception:
        place.mkdir(parents=True, exist_ok=True)
        name = place / f"{len(list(place.iterdir())):04}{suffix}"
        name.write_bytes(data)
        print(f"{name}:\n{traceback.format_exc()}", file=sys.stderr)
        return Counter(FAILED=1)


def try_reading(data: bytes, suffix: str, dice: Random) -> Counter[str]:
    data = data if not suffix.endswith(".gz") else data[: LIMITS[-1]]
    columns, labelled = dice.choice(SETTINGS)
    return check_reading(data, suffix.removesuffix(".gz"), columns, labelled, dice.choice(LIMITS))


def try_file(folder: Path, data: bytes, suffix: str) -> Counter[str]:
    path = folder / f"file{suffix.removesuffix('.gz')}.gz"
    path.write_bytes(data if suffix.endswith(".gz") else gzip.compress(data, 1))
    outcome: Counter[str] = Counter()
    try:
        for row in read(path, columns=None, labelled=True, max_line_bytes=8000):
            outcome["bad row" if isinstance(row, BadRow) else "example"] += 1
    except DataError:
        outcome["data error"] += 1
    return outcome


def try_config(folder: Path, data: bytes, dice: Random) -> Counter[str]:
    path = folder / "config.yaml"
    path.write_bytes(mutated(CONFIG.encode(), dice) if dice.random() < 0.8 else data[:20_000])
    try:
        config = load_config(path)
    except UsageError:
        return Counter(refused=1)
    path.write_text(resolved(config), "utf-8")
    assert load_config(path).model_dump() == config.model_dump()
    return Counter(accepted=1)


def try_vocabulary(data: bytes, suffix: str, dice: Random) -> Counter[str]:
    source = VOCABULARY.encode() if dice.random() < 0.8 else data
    text = mutated(source, dice).decode(errors="replace")
    try:
        vocabulary = Vocabulary.from_tsv(text, "vocabulary.tsv")
    except RunError:
        return Counter(refused=1)
    assert vocabulary.to_tsv() == text
    return Counter(accepted=1)


class Commands:
    """Commands in processes of their own, on a run with random weights."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "run").mkdir()
        random_run(folder / "run")
        (folder / "run" / "config.yaml").write_text("data: {train: a.tsv, dev: 0.1}\n")
        (folder / "bad.tsv").write_bytes(b"\xff\n")
        self._usual: dict[str, int] = {}

    def trying(self, command: str) -> Try:
        _, self._usual[command] = self._run(command, GOOD[".tsv"], ".tsv")
        return lambda data, suffix, dice: self._attempt(command, data, suffix)

    def _attempt(self, command: str, data: bytes, suffix: str) -> Counter[str]:
        code, kilobytes = self._run(command, data, suffix)
        assert code in (0, 2, 3, 4), f"exit code {code}"
        assert kilobytes < FACTOR * self._usual[command], f"{kilobytes:,} kB of memory"
        return Counter({f"exit code {code}": 1})

    def _run(self, command: str, data: bytes, suffix: str) -> tuple[int, int]:
        """The exit code and the most memory in kB; AssertionError if what is said looks like a bug."""
        path = self._folder / f"data{suffix}"
        path.write_bytes(data)
        with path.open("rb") as stdin:
            done = subprocess.run(
                [sys.executable, "-c", WATCH_MEMORY, *self._arguments(command, path)],
                cwd=self._folder,
                stdin=stdin,
                capture_output=True,
                encoding="utf-8",
            )
        path.unlink()
        assert "Traceback" not in done.stderr, done.stderr
        assert "a bug in seqtrain" not in done.stderr, done.stderr
        return done.returncode, int(done.stdout.splitlines()[-1])

    def _arguments(self, command: str, path: Path) -> list[str]:
        (self._folder / "fuzzed.yaml").write_text(f"data: {{train: [{path.name}, bad.tsv], dev: 0.5}}\n")
        return [
            SEQTRAIN,
            *{
                "predict": ["predict", "--run", "run", path.name],
                "predict <": ["predict", "--run", "run"],
                "eval": ["eval", "--run", "run", "--data", path.name],
                "check data": ["check", "data", "fuzzed.yaml"],
                "fit": ["fit", "fuzzed.yaml", "--out", "fitted"],
            }[command],
        ]


if __name__ == "__main__":
    main()
