"""Stateless randomness: a permutation is a function of (seed, purpose, epoch) alone, on every machine.

Only the raw bits of the Philox counter generator are used (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3"): NumPy's `Generator` methods may change between releases, these bits may not.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Purpose(IntEnum):
    """What the numbers are for; two purposes never share their bits."""

    EXAMPLES = 1
    BATCHES = 2
    SPLIT = 3


def permutation(size: int, *, seed: int, purpose: Purpose, epoch: int = 0) -> NDArray[np.int64]:
    """A random order of 0 … size-1, int64[size]; seed and epoch from 0 to 2**64 - 1."""
    generator = np.random.Philox(key=seed + (purpose << 64), counter=epoch << 192)
    # A stable sort, or equal keys would be ordered by the processor's own sorting network.
    return np.argsort(generator.random_raw(size), kind="stable")
