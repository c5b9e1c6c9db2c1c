"""Hypothesis strategies that several tests share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**64 - 1)


def lengths(max_rows: int = 400) -> st.SearchStrategy[np.ndarray]:
    """Lengths of a corpus, int32[rows], from the even to those with a few very long rows."""
    length = st.one_of(st.just(1), st.integers(1, 12), st.integers(1, 400))
    return st.lists(length, min_size=1, max_size=max_rows).map(lambda values: np.array(values, np.int32))
