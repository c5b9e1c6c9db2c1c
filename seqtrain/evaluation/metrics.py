"""How good probabilities are: the numbers of metrics/*.json and of `seqtrain eval`.

What is not defined on the data at hand is None, never NaN: the precision of a class that was never predicted,
the recall of one that does not occur, the F1 of one that is neither, the ROC AUC where a class is missing.

NumPy and scikit-learn are imported by the functions that compute: the second takes 0.7 s, and METRICS is read
by those who only check a config or an option.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqtrain.evaluation.calibration import brier_score, expected_calibration_error, mean_log_loss
from seqtrain.evaluation.decision import decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRICS = {
    "accuracy": +1,
    "macro_f1": +1,
    "weighted_f1": +1,
    "log_loss": -1,
    "brier": -1,
    "ece": -1,
    "roc_auc": +1,
}
"""The metrics that are one number: +1 where higher is better, -1 where lower is."""

CLASS_METRICS = ("precision", "recall", "f1", "support")


def evaluate(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    label_names: Sequence[str],
    threshold: float | None = None,
) -> dict[str, Any]:
    """All metrics of labelled rows, ready for JSON.

    labels int[rows], at least one row; probabilities float[rows, classes]; weights float[rows], a row counts as
    much as it weighs; label_names [classes]; threshold: as `decided` has it, which says what is predicted.

    The result has the number of rows; each of METRICS; per_class, label → CLASS_METRICS; and the
    confusion_matrix [true][predicted]. Macro F1 is the mean over the classes whose F1 is defined. The threshold does
    not matter to `log_loss`, `brier`, `ece` and `roc_auc`. If all weights are 1, counts are integers.
    """
    import numpy as np
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    classes = np.arange(len(label_names))
    predicted = decided(probabilities, threshold)
    weight = None if np.all(weights == 1) else weights.astype(np.float64)
    by_class = precision_recall_fscore_support(
        labels, predicted, labels=classes, sample_weight=weight, zero_division=np.nan
    )
    _, _, f1, support = by_class
    confusion = confusion_matrix(labels, predicted, labels=classes, sample_weight=weight)
    return {
        "rows": len(labels),
        "accuracy": float(accuracy_score(labels, predicted, sample_weight=weight)),
        "macro_f1": float(np.nanmean(f1)),
        "weighted_f1": float(np.average(np.nan_to_num(f1), weights=support)),
        "log_loss": mean_log_loss(labels, probabilities, weights),
        "brier": brier_score(labels, probabilities, weights),
        "ece": expected_calibration_error(labels, probabilities, weights),
        "roc_auc": _roc_auc(labels, probabilities, weight),
        "per_class": {
            label: dict(zip(CLASS_METRICS, map(_number, values), strict=True))
            for label, *values in zip(label_names, *by_class, strict=True)
        },
        "confusion_matrix": confusion.tolist(),
    }


def _roc_auc(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weight: NDArray[np.float64] | None,
) -> float | None:
    """Of two classes, or the mean of each class against the rest; None unless every class occurs."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    classes = probabilities.shape[1]
    if len(np.unique(labels)) < classes:
        return None
    scores = probabilities[:, 1] if classes == 2 else probabilities
    return float(roc_auc_score(labels, scores, sample_weight=weight, multi_class="ovr"))


def _number(value: np.integer[Any] | np.floating[Any]) -> float | int | None:
    """A number of Python's own, None in place of NaN."""
    return None if math.isnan(value) else value.item()
