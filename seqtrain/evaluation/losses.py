"""What each row's probabilities cost, given its true label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST = 2.0**-52
"""No probability counts as less, so that one that was rounded to 0 does not cost infinitely much."""


def log_losses(
    labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """−log of the true label's probability, [rows]. labels int[rows], probabilities float[rows, classes]."""
    import numpy as np

    doubles = probabilities.astype(np.float64)
    true = doubles[np.arange(len(labels)), labels] / doubles.sum(axis=1)
    losses: NDArray[np.float64] = -np.log(np.clip(true, LEAST, 1))
    return losses


def squared_errors(
    labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Σ over the classes of (probability − 1 if it is the true one, else 0)², [rows], from 0 to 2 (Brier 1950)."""
    import numpy as np

    doubles = probabilities.astype(np.float64)
    doubles[np.arange(len(labels)), labels] -= 1
    errors: NDArray[np.float64] = np.square(doubles).sum(axis=1)
    return errors
