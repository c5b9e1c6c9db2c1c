"""A linear classifier over features that a text has or has not, on naive-Bayes log-count ratios.

NB-SVM of Wang & Manning (2012, §2.3), with logistic regression in place of the SVM: a text's features are scaled by
their log-count ratio r, a linear classifier with an L2 penalty is fitted to them, and its weights w are drawn towards
their mean size, w' = (1 − β) · mean|w| + β · w.

With more than two classes each is told from the rest, and z has the log-odds of that. The logits are log σ(z), of which
the softmax is the probabilities of the classes brought to a sum of one, one of the ways of Zadrozny & Elkan (2002). z
itself for logits would say much with differences between classes that are both out of the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SMOOTHING = 1.0  # α of the paper, added to every count


class Linear(NamedTuple):
    """z = features · table + bias; table <float32>[features, columns], bias <float32>[columns].

    A column for each class, or for two classes a single one, the log-odds of the second. strength: inverse of the L2
    penalty; interpolation: β.
    """

    table: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float
    interpolation: float

    def logits(self, features: csr_matrix) -> NDArray[np.float32]:
        """features <float32>[rows, features] → <float32>[rows, classes]."""
        return logits(features, self.table, self.bias)


def logits(
    features: csr_matrix, table: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """<float32>[rows, classes] of a classifier whose table and bias are those of `Linear`."""
    z = features @ table + bias
    return np.concatenate([-z / 2, z / 2], axis=1) if z.shape[1] == 1 else -np.logaddexp(0, -z)


def candidates(
    features: csr_matrix,
    labels: NDArray[Any],
    weights: NDArray[Any],
    classes: int,
    strength: float,
    interpolations: Iterable[float],
) -> Iterator[Linear]:
    """A classifier for each interpolation; weights: of the rows, which count as often as they weigh."""
    positives = [labels == label for label in (range(classes) if classes > 2 else (1,))]
    ratios = [log_count_ratio(features, positive, weights) for positive in positives]
    fits = [
        _regression(features, ratio, positive, weights, strength)
        for ratio, positive in zip(ratios, positives, strict=True)
    ]
    occurs = features.getnnz(axis=0) > 0
    for beta in interpolations:
        table = [
            ((1.0 - beta) * np.abs(coefficients[occurs]).mean() + beta * coefficients) * ratio
            for (coefficients, _), ratio in zip(fits, ratios, strict=True)
        ]
        bias = [beta * intercept for _, intercept in fits]
        yield Linear(np.stack(table, axis=1).astype(np.float32), np.array(bias, np.float32), strength, beta)


def log_count_ratio(
    features: csr_matrix, positive: NDArray[np.bool_], weights: NDArray[Any]
) -> NDArray[np.float64]:
    """r = log((p / Σp) / (q / Σq)) for each feature, p and q its smoothed counts in the rows of either kind.

    A feature that no row has counts for nothing and gets 0.
    """
    p, q = ((weights * kind).astype(np.float64) @ features for kind in (positive, ~positive))
    occurs = p + q > 0
    p, q = (np.where(occurs, SMOOTHING + count, 0.0) for count in (p, q))
    p, q = (np.where(occurs, count / count.sum(), 1.0) for count in (p, q))
    return np.asarray(np.log(p / q))


def _regression(
    features: csr_matrix,
    ratio: NDArray[np.float64],
    positive: NDArray[np.bool_],
    weights: NDArray[Any],
    strength: float,
) -> tuple[NDArray[np.float64], float]:
    """The coefficients and the intercept of a logistic regression on the scaled features."""
    from sklearn.linear_model import LogisticRegression

    scaled = features.astype(np.float64)
    scaled.data *= ratio[scaled.indices]
    model = LogisticRegression(C=strength, solver="liblinear", random_state=0, max_iter=1000)
    model.fit(scaled, positive, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])
