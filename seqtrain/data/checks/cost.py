"""What training will take: memory and time, from the arithmetic of the model and the speed of this machine."""

from __future__ import annotations

import math
import time

import numpy as np

from seqtrain.data.checks.report import Section, counted

BASE_BYTES = 900_000_000
"""Of TensorFlow, its buffers and the rest, with a small model and few rows; measured, as the next ones."""

ROW_BYTES = 50  # lengths, order and plan of an epoch; the encoded texts are mapped from files
COPIES = 4  # of a weight: itself, two moments of Adam, and one more while a checkpoint is written
WEIGHT_BYTES = 4

SHARE = 0.9
"""Training multiplies with so much of the speed of large products."""

BATCH_SECONDS = 0.004
"""The rest of a batch takes so long: all in all, epochs take 0.75 to 1.3 times what docs/performance.md measured."""

_SIDE, _SECONDS = 1024, 0.2


def cost_section(
    *, tokens: int, rows: int, batches: int, weights: int, recurrent: int, speed: float
) -> Section:
    """The section on what training takes.

    tokens, rows and batches of an epoch; weights: all, and those of them that each token is multiplied with; speed:
    of this machine, in floating-point operations a second.
    """
    memory = BASE_BYTES + COPIES * WEIGHT_BYTES * weights + ROW_BYTES * rows
    # Of each weight a multiplication and an addition, forward, and back for the inputs and for the weight.
    seconds = 6 * recurrent * tokens / (SHARE * speed) + BATCH_SECONDS * batches
    facts = {"memory_bytes": memory, "seconds_per_epoch": seconds, "operations_per_second": speed}
    lines = [
        f"memory         about {rounded(memory / 1e9)} GB: "
        f"{rounded(BASE_BYTES / 1e9)} GB for any model, {counted(weights, 'weight')}, {counted(rows, 'row')}",
        f"time per epoch about {duration(seconds)}: {counted(tokens, 'token')}, {counted(batches, 'batch')}, "
        f"{rounded(SHARE * 100)} % of {rounded(speed / 1e9)} GFLOP/s",
    ]
    return Section("cost", "What training takes on this machine, roughly", facts, lines)


def measured_speed() -> float:
    """Floating-point operations a second in large float32 products, the best of some 0.2 seconds."""
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    best, until = math.inf, time.perf_counter() + _SECONDS
    while (begun := time.perf_counter()) < until:
        matrix @ matrix
        best = min(best, time.perf_counter() - begun)
    return 2 * _SIDE**3 / best


def rounded(number: float) -> str:
    """A number above zero to two figures.

    >>> rounded(0.1234), rounded(5.678), rounded(1234.5)
    ('0.12', '5.7', '1,200')
    """
    digits = 1 - math.floor(math.log10(number))
    return f"{round(number, digits):,.{max(0, digits)}f}"


def duration(seconds: float) -> str:
    """Some time to two figures.

    >>> duration(0.2), duration(3.21), duration(340), duration(9000)
    ('1 second', '3.2 seconds', '5.7 minutes', '2.5 hours')
    """
    if seconds < 1:
        return "1 second"
    units = [("hours", 3600), ("minutes", 60), ("seconds", 1)]
    name, size = next((unit for unit in units if seconds >= 2 * unit[1]), units[-1])
    return f"{rounded(seconds / size)} {name}"
