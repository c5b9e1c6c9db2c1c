"""Does a fit that is killed at random moments end as if nothing had happened?

    python benchmarks/kills.py [--kills 25] [--seed 1] [--work FOLDER] [--out FILE]

`kill -9` after a random time, uniform over the length of a whole fit, then `seqtrain fit --resume`, which is killed as
well, and so on until one comes to its end first: then a new run begins, and encodes its data again. What each run ends
with is compared, bit for bit, with a run that nothing has interrupted: weights, model file, vocabulary, labels, scores,
metrics.jsonl without its timings. Exits with 1 if one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from encoding import generated
from measure import SEQTRAIN, run, save, table

from seqtrain.run import Run

ROWS = 6000
CONFIG = """\
data: {train: train.tsv, dev: 0.1}
tokenizer: {max_length: 100}
model: {embedding_size: 64, units: 64, dropout: {words: 0.3, features: 0.3}}
training: {epochs: 3, evaluate_every: 40, checkpoint_every: 7, patience: 5, metric: log_loss}
"""
STAGES = {"": "reading, encoding", "data ": "starting", "model ": "training", "stopped ": "exporting"}
"""The first word of the last block that was told → what went on."""
TIMINGS = {"seconds", "tokens_per_second"}


@dataclass(frozen=True)
class Kill:
    """seconds: from the start of the process; step: from which the run went on; equal: whether it ended so."""

    seconds: float
    stage: str
    step: int | None = None
    equal: bool | None = None


class Ended(NamedTuple):
    """A process: whether it was killed; what it had told."""

    killed: bool
    report: str


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill fits at random moments, resume them, compare.")
    parser.add_argument("--kills", type=int, default=25, help="how many (25)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (1)")
    parser.add_argument("--work", type=Path, default=Path("build/kills"), help="for data and runs")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    prepare(options.work)
    whole = run(command(options.work, "unbroken"))
    expected = outcome(options.work, "unbroken")
    print(f"a whole fit takes {whole.seconds:.1f} s", flush=True)
    kills: list[Kill] = []
    dice = random.Random(options.seed)
    while len(kills) < options.kills:
        kills += killed_run(options.work, dice, whole.seconds, options.kills - len(kills), expected)
    print(report(kills))
    save(options.out, [asdict(kill) for kill in kills])
    sys.exit(not all(kill.equal for kill in kills))


def prepare(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "config.yaml").write_text(CONFIG.replace("train.tsv", f"{work}/train.tsv"))
    with (work / "train.tsv").open("w") as file:
        file.writelines(generated(ROWS))


def command(work: Path, name: str, *options: str) -> list[str]:
    """A folder of its own for each run, so that none finds the encoded data of another."""
    return [SEQTRAIN, "fit", str(work / "config.yaml"), "--out", str(work / name / "run"), *options]


def killed_run(
    work: Path, dice: random.Random, length: float, most: int, expected: dict[str, str]
) -> list[Kill]:
    """A run that is killed, at most so many times, and resumed until it comes to its end."""
    kills: list[Kill] = []
    shutil.rmtree(work / "killed", ignore_errors=True)
    for number in itertools.count():
        seconds = dice.uniform(0, length) if number < most else None
        ended = resume(work, seconds)
        step = resumed_from(ended.report)
        kills = [kill if kill.step is not None else replace(kill, step=step) for kill in kills]
        if not ended.killed:
            break
        assert seconds is not None
        kills.append(Kill(seconds, stage(work, ended.report)))
        print(f"killed after {seconds:.1f} s: {kills[-1].stage}", flush=True)
    equal = outcome(work, "killed") == expected
    return [replace(kill, step=kill.step or 0, equal=equal) for kill in kills]


def resume(work: Path, seconds: float | None) -> Ended:
    """Goes on with the run, or begins it; kills the process after so many seconds if it has not ended by then."""
    with (work / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            command(work, "killed", "--resume"), stdout=subprocess.DEVNULL, stderr=stderr
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        code = process.wait()
        stderr.seek(0)
        told = stderr.read()
    if code not in (0, -9):
        sys.exit(f"a fit ended with {code}:\n{told}")
    time.sleep(0.2)  # until processes that encode have noticed
    return Ended(code != 0, told)


def stage(work: Path, told: str) -> str:
    """What went on when the process was killed."""
    what = [what for word, what in STAGES.items() if re.search(f"^{word}", told, re.MULTILINE)][-1]
    half_written = any((work / "killed").glob("*/checkpoints/*.tmp"))  # or left by the one killed before
    return "writing a checkpoint" if half_written and what == "training" else what


def resumed_from(told: str) -> int | None:
    """The step, if the process has come so far as to say it."""
    found = re.search(r"^resume +from step ([\d,]+)", told, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else None


def outcome(work: Path, name: str) -> dict[str, str]:
    """The sha256 of all that must not depend on whether the run was interrupted."""
    done = Run(work / name / "run")
    files = (
        done.weights_file,
        done.model_file,
        done.vocabulary_file,
        done.labels_file,
        done.metrics_file("dev"),
    )
    contents = {file.name: file.read_bytes() for file in files} | {"metrics.jsonl": journal(done)}
    return {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}


def journal(done: Run) -> bytes:
    events = [json.loads(line) for line in done.journal_file.read_text().splitlines()]
    timeless = [{key: value for key, value in event.items() if key not in TIMINGS} for event in events]
    return json.dumps(timeless).encode()


def report(kills: list[Kill]) -> str:
    rows = [
        [kill.stage, f"{kill.seconds:.2f}", str(kill.step), "yes" if kill.equal else "NO"] for kill in kills
    ]
    equal = sum(bool(kill.equal) for kill in kills)
    header = ("killed while", "after s", "resumed from step", "equal")
    return f"{table(header, rows)}\n{equal} of {len(kills)} equal"


if __name__ == "__main__":
    main()
