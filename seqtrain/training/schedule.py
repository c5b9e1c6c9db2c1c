"""Learning-rate schedules: pure functions of the share of training that is done."""

from __future__ import annotations

import math
from collections.abc import Callable


def constant(done: float) -> float:
    """The full rate throughout."""
    return 1.0


def cosine(done: float) -> float:
    """From the full rate down to zero along half a cosine wave (Loshchilov & Hutter 2017, eq. 5, one period)."""
    return 0.5 * (1.0 + math.cos(math.pi * done))


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "cosine": cosine}


def learning_rate(done: float, *, peak: float, schedule: str, warmup: float) -> float:
    """The rate when `done` (0 to 1) of training lies behind: linear up to `peak` in the first `warmup` share, then
    the schedule over the rest.

    >>> learning_rate(0.05, peak=1.0, schedule="constant", warmup=0.1)
    0.5
    """
    if done < warmup:
        return peak * done / warmup
    return peak * SCHEDULES[schedule]((done - warmup) / (1.0 - warmup))
