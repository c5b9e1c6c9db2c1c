"""How far metrics might be off because the rows are a sample: bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqtrain.evaluation.decision import decided
from seqtrain.evaluation.losses import log_losses, squared_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
CHUNK = 1 << 18  # rows drawn at once, so that they stay in a core's cache

Interval = list[float] | None


def intervals(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    threshold: float | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """[low, high] of each metric of METRICS but `ece`, at LEVEL. The arguments are those of `evaluate`.

    Percentiles of the metric over resamples, each as many rows as there are, drawn with replacement and with their
    weights (Efron & Tibshirani 1993, section 13.3). A resample in which a metric is not defined does not count for it;
    where none is left, or there is a single row, which says nothing of others, there is None. `ece` has none, as
    drawing rows again raises it, so that the percentiles would lie above it.
    """
    import numpy as np

    rows = len(labels)
    classes = probabilities.shape[1]
    cells = labels * classes + decided(probabilities, threshold)
    order = np.argsort(cells, kind="stable")  # so that the cells of the confusion matrix are runs of rows
    labels, cells = labels[order], cells[order]
    probabilities, doubles = probabilities[order], weights[order].astype(np.float64)
    losses = np.stack([log_losses(labels, probabilities), squared_errors(labels, probabilities)], axis=1)
    ranking = _Ranking(labels, probabilities)
    parts = []
    for counts in _resamples(rows, resamples, seed):
        weighed = counts * doubles
        log_loss, brier = (weighed @ losses / weighed.sum(axis=1, keepdims=True)).T
        parts.append(
            {
                **_decision_scores(_confusions(weighed, cells, classes)),
                "log_loss": log_loss,
                "brier": brier,
                "roc_auc": ranking.auc(weighed),
            }
        )
    return {
        name: _interval(np.concatenate([part[name] for part in parts])) if rows > 1 else None
        for name in parts[0]
    }


def _resamples(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each row is in a resample: [some resamples, rows] at a time, the same ones for a seed."""
    import numpy as np

    bits = np.random.Philox(key=seed)
    some = max(1, CHUNK // rows)
    for start in range(0, resamples, some):
        number = min(some, resamples - start)
        # The upper half of the product of 32 random bits and the number of rows is as good as uniform.
        random = bits.random_raw(number * rows) >> np.uint64(32)
        drawn = ((random * np.uint64(rows)) >> np.uint64(32)).astype(np.int64).reshape(number, rows)
        drawn += np.arange(number)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=number * rows).reshape(number, rows).astype(np.float64)


def _confusions(
    weighed: NDArray[np.float64], cells: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.float64]:
    """[resamples, true, predicted]; cells: true · classes + predicted, rising."""
    import numpy as np

    found, starts = np.unique(cells, return_index=True)
    sums = np.zeros((len(weighed), classes * classes))
    sums[:, found] = np.add.reduceat(weighed, starts, axis=1)
    return sums.reshape(-1, classes, classes)


def _decision_scores(confusions: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    right = np.diagonal(confusions, axis1=1, axis2=2)
    support, predicted = confusions.sum(axis=2), confusions.sum(axis=1)
    with np.errstate(invalid="ignore"):
        f1 = 2 * right / (support + predicted)  # NaN for a class that is neither
    total = support.sum(axis=1)
    return {
        "accuracy": right.sum(axis=1) / total,
        "macro_f1": np.nanmean(f1, axis=1),
        "weighted_f1": (np.nan_to_num(f1) * support).sum(axis=1) / total,
    }


class _Ranking:
    """The order of the rows by the score of each class that ROC AUC is of: the second of two, or every one."""

    def __init__(self, labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]) -> None:
        import numpy as np

        classes = probabilities.shape[1]
        self._orders = []
        for label in [1] if classes == 2 else range(classes):
            scores = probabilities[:, label]
            order = np.argsort(scores, kind="stable")
            _, starts = np.unique(scores[order], return_index=True)
            self._orders.append((order, starts, (labels == label)[order]))

    def auc(self, weighed: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean over those classes, [resamples]; NaN where one of them, or its rest, is not drawn."""
        import numpy as np

        return np.asarray(np.mean([self._of_one(weighed, *order) for order in self._orders], axis=0))

    @staticmethod
    def _of_one(
        weighed: NDArray[np.float64],
        order: NDArray[np.int64],
        starts: NDArray[np.int64],
        positive: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """The share of pairs of a positive and a negative row that are in order; half of those with equal scores."""
        import numpy as np

        ranked = weighed.take(order, axis=1)
        positives = np.add.reduceat(ranked * positive, starts, axis=1)
        negatives = np.add.reduceat(ranked * ~positive, starts, axis=1)
        below = negatives.cumsum(axis=1) - negatives / 2
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.einsum("ij,ij->i", positives, below) / pairs)


def _interval(values: NDArray[np.float64]) -> Interval:
    """Of the values that are numbers."""
    import numpy as np

    numbers = values[~np.isnan(values)]
    tail = (1 - LEVEL) / 2
    return np.quantile(numbers, [tail, 1 - tail]).tolist() if len(numbers) else None
