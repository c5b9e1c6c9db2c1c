"""Whether probabilities mean what they say, and the scales of logits that make them do so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqtrain.evaluation.losses import log_losses, squared_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15
FAINTEST = 0.01
"""Root mean square of scaled logits, the first class's taken off: fainter ones would not survive float32."""


def expected_calibration_error(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    bins: int = BINS,
) -> float:
    """How far confidence is from accuracy, on average over the rows: 0 to 1 (Guo et al. 2017, section 2).

    labels int[rows], probabilities float[rows, classes], weights float[rows]. A row's confidence is the probability
    of its most probable class, the first of equals; rows are put together by it, in bins (0, 1/bins], (1/bins,
    2/bins], …; a row counts as much as it weighs.
    """
    import numpy as np

    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bin_of_row = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of_row, weights * (correct - confidence), minlength=bins)
    return float(np.abs(gaps).sum() / weights.sum(dtype=np.float64))


def mean_log_loss(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
) -> float:
    """The mean over the rows of −log of the true label's probability."""
    import numpy as np

    return float(np.average(log_losses(labels, probabilities), weights=weights))


def brier_score(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
) -> float:
    """The mean over the rows of Σ over the classes of (probability − truth)², 0 to 2, also for two classes
    (Brier 1950)."""
    import numpy as np

    return float(np.average(squared_errors(labels, probabilities), weights=weights))


def fit_scales(
    parts: Sequence[NDArray[np.floating[Any]]],
    labels: NDArray[np.integer[Any]],
    weights: NDArray[np.floating[Any]],
) -> NDArray[np.float64]:
    """What to multiply the logits of each part by, at least 0, so that the softmax of their sum predicts best.

    parts: float[rows, classes] each; labels int[rows]; weights float[rows]. → [parts].

    Best is the least weighted log loss: temperature scaling for one part (Guo et al. 2017, section 4.2; a scale is
    1 / temperature), stacking by maximum likelihood for several (Wolpert 1992). The truth of a row with label y is
    smoothed to (n + 1) / (n + classes) for y and 1 / (n + classes) for any other class, where n is what the rows with
    label y weigh together: that of Platt 1999 for two classes. So the scales are finite even if every row is right.

    The problem is convex. A part that says nothing, all classes alike in each row, gets 1. Where nothing helps, or all
    would be 0, the scales are equal and small, so that the order of the classes stays that of the parts' sum.
    """
    import numpy as np
    from scipy.optimize import minimize

    stacked = np.asarray(parts, np.float64)
    differences = stacked - stacked[:, :, :1]  # of which the softmax is the same, and 0 where nothing is said
    shares = weights / weights.sum(dtype=np.float64)
    sizes = np.array([_size(part, shares) or 1.0 for part in differences])
    units = differences / sizes[:, None, None]
    targets = _smoothed(labels, weights, classes=stacked.shape[2])

    def loss(scales: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = np.tensordot(scales, units, axes=1)
        probabilities, log_sums = _softmax(logits)
        losses = log_sums - (targets * logits).sum(axis=1)
        slopes = shares[:, None] * (probabilities - targets)
        return float(shares @ losses), np.tensordot(units, slopes, axes=2)

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000}
    bounds = [(0, None)] * len(sizes)
    best = minimize(loss, np.ones(len(sizes)), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    if _size(np.tensordot(best, units, axes=1), shares) >= FAINTEST or not differences.any():
        return np.asarray(best / sizes, np.float64)
    return np.full(len(sizes), FAINTEST / (_size(differences.sum(axis=0), shares) or 1.0))


def combined(
    parts: Sequence[NDArray[np.floating[Any]]], scales: NDArray[np.floating[Any]]
) -> NDArray[np.float32]:
    """The softmax of Σ scale · part: <float32>[rows, classes]. parts: as `fit_scales` takes them."""
    import numpy as np

    probabilities, _ = _softmax(np.tensordot(scales, np.asarray(parts, np.float64), axes=1))
    return probabilities.astype(np.float32)


def calibration_report(
    labels: NDArray[np.integer[Any]],
    logits_before: NDArray[np.floating[Any]] | None,
    probabilities_after: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    in_sample: bool,
) -> dict[str, Any]:
    """`ece`, `brier` and `log_loss` before and after scaling, ready for JSON.

    logits_before: without scales, None where they are not known; then there is no "before". in_sample: whether the
    scales were fitted on these rows, which flatters "after".
    """
    import numpy as np

    before = {} if logits_before is None else {"before": combined([logits_before], np.ones(1))}
    figures = {
        name: {
            "ece": expected_calibration_error(labels, probabilities, weights),
            "brier": brier_score(labels, probabilities, weights),
            "log_loss": mean_log_loss(labels, probabilities, weights),
        }
        for name, probabilities in {**before, "after": probabilities_after}.items()
    }
    return {"in_sample": in_sample, **figures}


def _size(logits: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """The root mean square, where each row has its share."""
    import numpy as np

    return float(np.sqrt(shares @ np.square(logits).mean(axis=1)))


def _smoothed(
    labels: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]], classes: int
) -> NDArray[np.float64]:
    """The truth that `fit_scales` aims at, [rows, classes]."""
    import numpy as np

    totals = np.bincount(labels, weights, minlength=classes)
    by_label = (1 + np.diag(totals)) / (totals[:, None] + classes)
    return np.asarray(by_label[labels], np.float64)


def _softmax(logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[rows, classes], and the logarithms of the sums of exponentials, [rows]."""
    import numpy as np

    highest = logits.max(axis=1, keepdims=True)
    powers = np.exp(logits - highest)
    sums = powers.sum(axis=1, keepdims=True)
    return powers / sums, (np.log(sums) + highest)[:, 0]
