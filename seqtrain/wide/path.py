"""The wide path of a run: fitted to its training rows, chosen on dev."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.corpora import Corpora
from seqtrain.evaluation.calibration import combined, fit_scales, mean_log_loss
from seqtrain.text.ngrams import Ngrams, presence
from seqtrain.wide.features import feature_matrix, matrix
from seqtrain.wide.nbsvm import Linear, candidates

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
INTERPOLATIONS = (1.0, 0.5, 0.25)  # that of the paper is 0.25


@dataclass(frozen=True)
class WidePath:
    """A linear classifier over the n-grams of a text.

    dev <float32>[dev rows, classes]: its logits there; scale: by which they predict dev best.
    """

    ngrams: Ngrams
    linear: Linear
    dev: NDArray[np.float32]
    scale: float

    def dev_probabilities(self) -> NDArray[np.float32]:
        """<float32>[dev rows, classes]: what it answers by itself."""
        return combined([self.dev], np.array([self.scale]))

    def logits(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Of encoded texts, <float32>[texts, classes]."""
        offsets = np.cumsum([0, *map(len, texts)])
        found = presence(self.ngrams, np.concatenate([np.asarray(ids, np.int64) for ids in texts]), offsets)
        return self.linear.logits(matrix(found, self.ngrams))

    def arrays(self, scale: float) -> dict[str, NDArray[np.float32]]:
        """What a model holds of it, by the names there."""
        return {
            "wide.table": self.linear.table,
            "wide.bias": self.linear.bias,
            "wide.scale": np.array([scale], np.float32),
        }


def fit_wide_path(
    corpora: Corpora, ngrams: Ngrams, row_weights: NDArray[Any], strength: float | None
) -> WidePath:
    """Fits a classifier to the training rows; its interpolation, and strength if none is given, are best on dev.

    row_weights float[training rows]. Best is the least log loss. Those of STRENGTHS are tried from the weakest on,
    until one is no better than the one before.
    """
    dev, best, least = corpora.dev, None, math.inf
    train, dev_features = feature_matrix(corpora.train, ngrams), feature_matrix(dev, ngrams)
    for each in STRENGTHS if strength is None else (strength,):
        before = least
        for linear in candidates(
            train, corpora.train.labels, row_weights, len(corpora.labels), each, INTERPOLATIONS
        ):
            logits = linear.logits(dev_features)
            (scale,) = fit_scales([logits], dev.labels, dev.weights)
            path = WidePath(ngrams, linear, logits, float(scale))
            loss = mean_log_loss(dev.labels, path.dev_probabilities(), dev.weights)
            if loss < least:
                best, least = path, loss
        if least == before:
            break
    assert best is not None
    return best
