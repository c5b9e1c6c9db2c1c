"""What the files in metrics/ hold."""

from __future__ import annotations

import json

import numpy as np

from seqtrain.evaluation.assessment import assess
from seqtrain.evaluation.calibration import calibration_report
from seqtrain.evaluation.intervals import intervals
from seqtrain.evaluation.metrics import evaluate
from tests.unit.evaluation.rows import random_rows


def test_it_is_the_parts_together_each_of_the_same_rows_and_decisions():
    data = random_rows(1, 2, 30)
    labels, probabilities, weights = data
    before = np.log(probabilities) / 2
    found = assess(*data, ["a", "b"], threshold=0.3, logits_before=before, in_sample=True)
    assert found == {
        **evaluate(*data, ["a", "b"], 0.3),
        "threshold": 0.3,
        "intervals": intervals(*data, 0.3),
        "calibration": calibration_report(labels, before, probabilities, weights, in_sample=True),
    }
    assert found["accuracy"] != evaluate(*data, ["a", "b"])["accuracy"], "the threshold matters here"
    assert found["calibration"]["after"]["log_loss"] == found["log_loss"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
