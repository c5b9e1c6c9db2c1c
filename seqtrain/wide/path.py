"""The wide path of a run: fitted to its training rows, chosen on dev."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.corpora import Corpora
from seqtrain.evaluation.calibration import combined, fit_scales, mean_log_loss
from seqtrain.text.ngrams import Ngrams, presence
from seqtrain.wide.features import feature_matrix, matrix
from seqtrain.wide.nbsvm import Linear, candidates
from seqtrain.wide.prefixes import folded, with_prefixes, word_prefixes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
INTERPOLATIONS = (1.0, 0.5, 0.25)  # that of the paper is 0.25


@dataclass(frozen=True)
class WidePath:
    """A linear classifier over the n-grams of a text.

    dev <float32>[dev rows, classes]: its logits there, of before it was fitted to them too, if it was; scale: by which
    they predict dev best. dev_now: its logits there as it is.
    """

    ngrams: Ngrams
    linear: Linear
    dev: NDArray[np.float32]
    scale: float
    dev_now: NDArray[np.float32]

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
    corpora: Corpora,
    ngrams: Ngrams,
    weights: tuple[NDArray[Any], NDArray[Any]],
    *,
    strength: float | None = None,
    prefixes: int | None = None,
    refit: bool = False,
) -> WidePath:
    """Fits a classifier to the training rows; its interpolation, and strength if none is given, are best on dev.

    weights float[rows]: of the training rows, and of dev. Best is the least log loss. Those of STRENGTHS are tried from
    the weakest on, until one is no better than the one before. prefixes: the longest, in characters, that count besides
    the n-grams. refit: fit it once more, as it was chosen, to the rows of training and dev.
    """
    (train, dev), classes = corpora[:2], len(corpora.labels)
    shared = word_prefixes(corpora.vocabulary.tokens, prefixes)
    rows, dev_features = with_prefixes(feature_matrix(train, ngrams), shared), feature_matrix(dev, ngrams)
    best, least = None, math.inf
    for each in STRENGTHS if strength is None else (strength,):
        before = least
        for linear in candidates(rows, train.labels, weights[0], classes, each, INTERPOLATIONS):
            linear = _folded(linear, shared)
            logits = linear.logits(dev_features)
            (scale,) = fit_scales([logits], dev.labels, dev.weights)
            path = WidePath(ngrams, linear, logits, float(scale), dev_now=logits)
            loss = mean_log_loss(dev.labels, path.dev_probabilities(), dev.weights)
            if loss < least:
                best, least = path, loss
        if least == before:
            break
    assert best is not None
    if not refit:
        return best
    from scipy.sparse import vstack

    rows = vstack([rows, with_prefixes(dev_features, shared)], format="csr")
    labels, chosen = np.concatenate([train.labels, dev.labels]), best.linear
    (linear,) = candidates(
        rows, labels, np.concatenate(weights), classes, chosen.strength, [chosen.interpolation]
    )
    linear = _folded(linear, shared)
    return replace(best, linear=linear, dev_now=linear.logits(dev_features))


def _folded(linear: Linear, prefixes: csr_matrix) -> Linear:
    """The prefixes counted in the fit; now the words carry what they say."""
    return linear._replace(table=folded(linear.table, prefixes))
