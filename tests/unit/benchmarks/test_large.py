from __future__ import annotations

import re
import subprocess
import sys

import large
import numpy as np


def test_numbers_are_spelled_in_letters():
    assert large.spelled(np.array([1, 26, 701, 26**7]), np.array([1, 3])) == b"b ba\nbaz baaaaaaa\n"


def test_ranks_are_those_of_the_law():
    """Against its sum, word by word."""
    shares = np.cumsum((np.arange(1, large.WORDS + 1) + 2.7) ** -1.1)
    ranks = np.sort(large.ranked((np.arange(100_000) + 0.5) / 100_000))
    assert ranks[0] == 1
    assert 0.99 * large.WORDS < ranks[-1] <= large.WORDS
    for rank in (10, 1000, 100_000, 1_000_000):
        assert abs((ranks <= rank).mean() - shares[rank - 1] / shares[-1]) < 0.01


def test_the_generated_table(monkeypatch):
    monkeypatch.setattr(large, "BLOCK_ROWS", 300)
    lines = b"".join(large.generated(1000)).splitlines(keepends=True)
    assert len(lines) == 1000
    assert all(re.fullmatch(rb"(neg|pos)\t[a-z]+( [a-z]+)*\n", line) for line in lines)
    assert 300 < sum(map(len, lines)) / 1000 < 360


def test_memory_is_that_of_a_process_and_all_it_has_started():
    child = "import sys; kept = b'x' * 50_000_000; print(flush=True); sys.stdin.read()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])"
    command = [sys.executable, "-S", "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        processes = list(large.family(process.pid))
        megabytes = sum(map(large.anonymous, processes))
        process.stdin.close()
    assert len(processes) == 2
    assert 50 < megabytes < 90
    assert list(large.family(process.pid)) == [process.pid]
    assert large.anonymous(process.pid) == 0


def test_a_row_costs_what_it_adds_to_the_smallest_file():
    def taken(rows, start, encoding, training):
        stages = {"encoding": encoding, "training": training}
        return {"rows": rows, "file": 1.0, "start": start, "seconds": 2.0, **stages}

    figures = [taken(1000, "first", 400, 500), taken(3000, "first", 401, 500), taken(3000, "second", 40, 50)]
    assert [line.split()[-2:] for line in large.report(figures).splitlines()[1:2]] == [["400", "500"]]
    assert large.report(figures).splitlines()[2].split() == [
        "3,000",
        "1",
        "first",
        "2.0",
        "401",
        "500",
        "500",
        "0",
    ]
