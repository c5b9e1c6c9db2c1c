"""What the commands of start.py spend on imports: milliseconds by package, the largest first.

    python benchmarks/imports.py [--repeats 7] [--out FILE]

Medians over processes of the time that `python -X importtime` gives for each module without those that it imports,
summed over the modules of a package. Counting takes time itself: a process is quicker than its sum here.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure import save, table
from start import commands

SHOWN = 10  # packages per command
MARK = "import time:"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what commands spend on which imports.")
    parser.add_argument("--repeats", type=int, default=7, help="processes per command (7)")
    parser.add_argument("--out", type=Path, help="write all packages here, as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = profiles(commands(Path(folder)), options.repeats)
    for name, packages in found.items():
        print(f"{table((name, 'ms'), rows(packages))}\n")
    save(options.out, found)


def profiles(commands: Mapping[str, Sequence[str]], repeats: int) -> dict[str, dict[str, float]]:
    """For each command package → milliseconds, the largest first.

    They take turns, so that a busy moment of the machine meets all of them; a first round does not count.
    """
    rounds = [{name: imported(line) for name, line in commands.items()} for _ in range(1 + repeats)][1:]
    return {name: medians([taken[name] for taken in rounds]) for name in commands}


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    values = {name: statistics.median(times[name] for times in rounds) for name in rounds[0]}
    return dict(sorted(values.items(), key=lambda item: -item[1]))


def imported(arguments: Sequence[str]) -> Counter[str]:
    """Package → milliseconds in a process of Python with these arguments; the benchmark ends here if it fails."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return milliseconds(done.stderr)


def milliseconds(account: str) -> Counter[str]:
    """Package → milliseconds, of what `python -X importtime` wrote to stderr."""
    times: Counter[str] = Counter()
    for line in account.splitlines():
        own, _, module = line.removeprefix(MARK).partition("|")
        if line.startswith(MARK) and own.strip().isdigit():  # not the heading
            times[module.rpartition("|")[2].strip().partition(".")[0]] += int(own) / 1000
    return times


def rows(packages: dict[str, float]) -> list[tuple[str, str]]:
    """The largest ones, the rest and the sum."""
    values = list(packages.items())
    rest = sum(value for _, value in values[SHOWN:])
    total = [(f"{len(values[SHOWN:])} others", rest), ("all", sum(packages.values()))]
    return [(name, f"{value:.1f}") for name, value in [*values[:SHOWN], *total]]


if __name__ == "__main__":
    main()
