"""The table of metrics for people."""

from __future__ import annotations

import numpy as np

from seqtrain.evaluation.assessment import assess
from seqtrain.evaluation.report import WIDEST_CONFUSION, format_report


def result(labels, probabilities, weights, names, threshold=None, before=None, in_sample=False):
    return assess(
        np.array(labels),
        np.array(probabilities),
        np.array(weights),
        names,
        threshold=threshold,
        logits_before=before,
        in_sample=in_sample,
    )


def test_the_whole_report():
    probabilities = [[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]]
    metrics = result([0, 0, 1], probabilities, [1.0, 1.0, 1.0], ["neg", "positive"])
    metrics["intervals"] |= {"macro_f1": [0.25, 0.9], "log_loss": [0.123456, 1234.5]}
    assert format_report(metrics) == (
        "rows              3      95 % interval\n"
        "accuracy     0.6667      0.0000–1.0000\n"
        "macro_f1     0.6667      0.2500–0.9000\n"
        "weighted_f1  0.6667      0.0000–1.0000\n"
        "log_loss     0.6539  0.1235–1,234.5000\n"
        "brier        0.4583      0.1250–1.1250\n"
        "ece          0.0833                  -\n"
        "roc_auc      0.7500      0.5000–1.0000\n"
        "\n"
        "label     precision  recall      f1  support\n"
        "neg          1.0000  0.5000  0.6667        2\n"
        "positive     0.5000  1.0000  0.6667        1\n"
        "\n"
        "true \\ predicted  neg  positive\n"
        "neg                 1         1\n"
        "positive            0         1"
    )


def test_calibration_is_shown_where_there_is_something_to_compare_with():
    logits = np.array([[4.0, 0.0], [0.0, 4.0]])
    data = ([0, 0], [[0.75, 0.25], [0.25, 0.75]], [1.0, 1.0], ["neg", "pos"])
    parts = format_report(result(*data, before=logits)).split("\n\n")
    assert parts[1] == (
        "calibration     ece   brier  log_loss\n"
        "before       0.4820  0.9647    2.0181\n"
        "after        0.2500  0.6250    0.8370"
    )
    assert (
        format_report(result(*data, before=logits, in_sample=True))
        .split("\n\n")[1]
        .startswith("calibrated here     ece   brier  log_loss\n")
    )


def test_a_threshold_is_told_above_what_follows_from_it():
    data = ([0, 0], [[0.75, 0.25], [0.25, 0.75]], [1.0, 1.0], ["neg", "pos"])
    parts = format_report(result(*data, threshold=0.125)).split("\n\n")
    assert parts[1] == "predicted: pos from a probability of 0.1250 on"
    assert parts[2].startswith("label ")


def test_what_is_not_defined_is_a_dash_and_weighted_counts_have_decimals():
    metrics = result([0], [[0.75, 0.25]], [1234.5], ["neg", "pos"])
    assert format_report(metrics).splitlines()[7:] == [
        "roc_auc           -              -",
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
