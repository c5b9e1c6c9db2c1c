"""How well the planned batches are filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.batching import Plan, padding_share
from seqtrain.data.checks.report import Section, counted, passed, percent, warning

PADDING = 0.2
"""Share of padding from which on batches are badly filled."""


def batches_section(lengths: NDArray[np.int32], plan: Plan) -> Section:
    """The section on the batches of the first epoch. lengths int32[rows] of train, and the plan made of them."""
    padding = padding_share(lengths, plan)
    facts = {"batches": len(plan), "rows_per_batch": len(lengths) / len(plan), "padding": padding}
    said = f"{percent(padding)} of the positions are padding"
    advice = "Lower training.max_batch: fewer rows are more alike in length."
    finding = passed(said) if padding < PADDING else warning(said, advice)
    line = f"{counted(len(plan), 'batch')} an epoch, of {facts['rows_per_batch']:.1f} rows on average"
    return Section("batches", "Batches", facts, [line], [finding])
