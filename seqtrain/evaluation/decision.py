"""Which label probabilities mean: the most probable one or, of two, the second from a threshold on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLACK = 1e-12  # scores that are this near differ by rounding alone


def decided(probabilities: NDArray[np.floating[Any]], threshold: float | None) -> NDArray[np.int64]:
    """The number of each row's label, [rows], from probabilities float[rows, classes].

    The most probable one, the first of equals; with a threshold, which is for two classes, 1 where its probability is
    at least that, else 0. They are compared as doubles, so that every language decides the same.
    """
    import numpy as np  # here, because the help of commands that import this needs none of it

    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities[:, 1].astype(np.float64) >= threshold).astype(np.int64)


class Counts(NamedTuple):
    """What rows weigh together, by true and decided label, at each of some thresholds: float[thresholds]."""

    true_1: NDArray[np.float64]  # of label 1, decided as 1
    false_1: NDArray[np.float64]  # of label 0, decided as 1
    true_0: NDArray[np.float64]
    false_0: NDArray[np.float64]


def tuned_threshold(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.float32],
    weights: NDArray[np.floating[Any]],
    metric: str,
    label_index: int = 1,
) -> float:
    """The threshold of `decided`, between 0 and 1, that makes a metric best on these rows, of two classes.

    labels int[rows], at least one; probabilities <float32>[rows, 2]; weights float[rows]. metric: a key of SCORES;
    label_index: the label that "f1" is of. Candidates lie halfway between neighbouring probabilities of label 1, and
    between the outermost and 0 or 1; of equally good ones it is the one nearest to 0.5.
    """
    import numpy as np

    values, places = np.unique(probabilities[:, 1].astype(np.float64), return_inverse=True)
    ends = np.concatenate([[0.0], values, [1.0]])
    candidates = (ends[:-1] + ends[1:]) / 2
    ones, zeros = (_from_each_on(places, weights * (labels == label), len(values)) for label in (1, 0))
    scores = SCORES[metric](Counts(ones, zeros, zeros[0] - zeros, ones[0] - ones), label_index)
    # Halfway between 0 and 0 there is none, and none between 1 and 1.
    possible = (candidates > 0) & (candidates < 1)
    scores, candidates = scores[possible], candidates[possible]
    best = candidates[scores >= scores.max() - SLACK]
    return float(best[np.abs(best - 0.5).argmin()])


def _from_each_on(places: NDArray[np.int64], weights: NDArray[Any], count: int) -> NDArray[np.float64]:
    """What the rows at each place and above weigh together, and at last 0: [count + 1]."""
    import numpy as np

    by_place = np.bincount(places, weights, minlength=count + 1)
    return np.asarray(by_place[::-1].cumsum()[::-1])


def _accuracy(counts: Counts, label: int) -> NDArray[np.float64]:
    return (counts.true_0 + counts.true_1) / sum(counts)


def _f1(counts: Counts, label: int) -> NDArray[np.float64]:
    """NaN where the label neither occurs nor is decided."""
    import numpy as np

    true = (counts.true_0, counts.true_1)[label]
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * true / (2 * true + counts.false_0 + counts.false_1))


def _f1_or_0(counts: Counts, label: int) -> NDArray[np.float64]:
    import numpy as np

    return np.nan_to_num(_f1(counts, label))


def _macro_f1(counts: Counts, label: int) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.nanmean([_f1(counts, 0), _f1(counts, 1)], axis=0))


def _weighted_f1(counts: Counts, label: int) -> NDArray[np.float64]:
    zeros, ones = counts.true_0 + counts.false_1, counts.true_1 + counts.false_0
    return (zeros * _f1_or_0(counts, 0) + ones * _f1_or_0(counts, 1)) / (zeros + ones)


SCORES = {"accuracy": _accuracy, "f1": _f1_or_0, "macro_f1": _macro_f1, "weighted_f1": _weighted_f1}
"""The metrics a threshold can be tuned for, as `evaluate` has them."""
