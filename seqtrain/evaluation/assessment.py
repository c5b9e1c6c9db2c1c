"""All that is known of a model on labelled rows: the content of metrics/dev.json and metrics/test.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqtrain.evaluation.calibration import calibration_report
from seqtrain.evaluation.intervals import intervals
from seqtrain.evaluation.metrics import evaluate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def assess(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]],
    label_names: Sequence[str],
    *,
    threshold: float | None,
    logits_before: NDArray[np.floating[Any]] | None,
    in_sample: bool,
) -> dict[str, Any]:
    """The result of `evaluate` with the `threshold`, the `intervals` and the `calibration`, ready for JSON.

    logits_before and in_sample: as `calibration_report` has them; the other arguments as `evaluate`.
    """
    return {
        **evaluate(labels, probabilities, weights, label_names, threshold),
        "threshold": threshold,
        "intervals": intervals(labels, probabilities, weights, threshold),
        "calibration": calibration_report(labels, logits_before, probabilities, weights, in_sample),
    }
