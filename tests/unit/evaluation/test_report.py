"""The table of metrics for people."""

from __future__ import annotations

import numpy as np

from seqtrain.evaluation.metrics import evaluate
from seqtrain.evaluation.report import WIDEST_CONFUSION, format_report


def result(labels, probabilities, weights, names):
    return evaluate(np.array(labels), np.array(probabilities), np.array(weights), names)


def test_the_whole_report():
    probabilities = [[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]]
    metrics = result([0, 0, 1], probabilities, [1.0, 1.0, 1.0], ["neg", "positive"])
    assert format_report(metrics) == (
        "rows              3\n"
        "accuracy     0.6667\n"
        "macro_f1     0.6667\n"
        "weighted_f1  0.6667\n"
        "log_loss     0.6539\n"
        "roc_auc      0.7500\n"
        "\n"
        "label     precision  recall      f1  support\n"
        "neg          1.0000  0.5000  0.6667        2\n"
        "positive     0.5000  1.0000  0.6667        1\n"
        "\n"
        "true \\ predicted  neg  positive\n"
        "neg                 1         1\n"
        "positive            0         1"
    )


def test_what_is_not_defined_is_a_dash_and_weighted_counts_have_decimals():
    metrics = result([0], [[0.75, 0.25]], [1234.5], ["neg", "pos"])
    assert format_report(metrics).splitlines()[5:] == [
        "roc_auc           -",
        "",
        "label  precision  recall      f1     support",
        "neg       1.0000  1.0000  1.0000  1,234.5000",
        "pos            -       -       -      0.0000",
        "",
        "true \\ predicted         neg     pos",
        "neg               1,234.5000  0.0000",
        "pos                   0.0000  0.0000",
    ]


def test_a_wide_confusion_matrix_is_left_out():
    for classes in (WIDEST_CONFUSION, WIDEST_CONFUSION + 1):
        names = [f"label {index}" for index in range(classes)]
        metrics = result(range(classes), np.eye(classes), np.ones(classes), names)
        report = format_report(metrics)
        assert "label 3" in report
        assert ("predicted" in report) == (classes == WIDEST_CONFUSION)
