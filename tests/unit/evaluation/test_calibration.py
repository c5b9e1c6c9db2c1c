"""Calibration: figures by hand and by a plain reading of their definitions, scales by their laws."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.evaluation import calibration
from seqtrain.evaluation.calibration import (
    FAINTEST,
    brier_score,
    calibration_report,
    combined,
    expected_calibration_error,
    fit_scales,
)
from tests.unit.evaluation.rows import learnable_rows, random_rows, rows

EXACT = 1e-9
FITTED = 1e-6  # relative, of a scale; the loss is flat around the best one

few = settings(max_examples=20)  # the oracles go row by row
seeds, class_counts = st.integers(0, 1000), st.integers(2, 4)


def test_expected_calibration_error_by_hand():
    """Three rows in the bin up to 0.8, two of them right, one in that up to 1, wrong: (|2 - 2.2| + 0.9) / 4."""
    data = rows([0, 1, 0, 0], [[0.7, 0.3], [0.25, 0.75], [0.25, 0.75], [0.1, 0.9]])
    assert expected_calibration_error(*data, bins=5) == pytest.approx((0.2 + 0.9) / 4)


def test_a_bin_has_its_upper_end():
    """Of two bins: 0.5 is in the first, and what is above in the second."""
    data = rows([0, 0], [[0.5, 0.5], [0.25, 0.75]])
    assert expected_calibration_error(*data, bins=2) == pytest.approx((0.5 + 0.75) / 2)
    assert expected_calibration_error(*data, bins=1) == pytest.approx(abs(0.5 - 0.75) / 2)


def test_confidence_that_is_right_has_no_error():
    probabilities = [[0.75, 0.25]] * 4
    assert expected_calibration_error(*rows([0, 0, 0, 1], probabilities)) == pytest.approx(0)
    assert expected_calibration_error(*rows([0, 0, 0, 1], probabilities, [1, 1, 1, 5])) == pytest.approx(
        3 / 8
    )
    assert expected_calibration_error(*rows([0, 1], [[1.0, 0.0], [0.0, 1.0]])) == 0


def slow_error(labels, probabilities, weights, bins):
    """Row by row, as Guo et al. 2017 write it."""
    total = 0.0
    for number in range(bins):
        inside = [
            (row, confidence)
            for row, confidence in enumerate(probabilities.max(axis=1).astype(float))
            if number / bins < confidence <= (number + 1) / bins
        ]
        weight = sum(float(weights[row]) for row, _ in inside)
        if inside:
            right = sum(weights[row] * (probabilities[row].argmax() == labels[row]) for row, _ in inside)
            sure = sum(weights[row] * confidence for row, confidence in inside)
            total += weight * abs(right / weight - sure / weight)
    return total / weights.sum()


@few
@given(seeds, class_counts, st.integers(1, 20))
def test_expected_calibration_error_is_that_of_its_definition(seed, classes, bins):
    data = random_rows(seed, classes, 20)
    assert expected_calibration_error(*data, bins=bins) == pytest.approx(slow_error(*data, bins), abs=1e-6)


def test_the_brier_score_by_hand():
    data = rows([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    assert brier_score(*data) == (0.125 + 1.125) / 2
    assert brier_score(*rows([0, 1], [[0.75, 0.25], [0.75, 0.25]], [3, 1])) == (3 * 0.125 + 1.125) / 4


def smoothed_loss(labels, logits, weights):
    """What `fit_scales` makes small, row by row."""
    classes = logits.shape[1]
    counts = [sum(weights[labels == label]) for label in range(classes)]
    total = 0.0
    for label, row, weight in zip(labels, logits, weights, strict=True):
        shares = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        for other in range(classes):
            truth = (counts[label] * (other == label) + 1) / (counts[label] + classes)
            total -= weight * truth * np.log(max(shares[other], 1e-300))
    return total / weights.sum()


@few
@given(seeds, class_counts)
def test_a_scale_is_the_best_of_a_grid(seed, classes):
    labels, parts, weights = learnable_rows(seed, classes, 20)
    (scale,) = fit_scales(parts, labels, weights)
    found = smoothed_loss(labels, scale * parts[0], weights)
    for factor in (0.2, 0.9, 0.99, 1.01, 1.1, 5):
        assert found <= smoothed_loss(labels, factor * scale * parts[0], weights)
    assert found < smoothed_loss(labels, 1.01 * scale * parts[0], weights), "and the only one"


@few
@given(seeds, class_counts)
def test_several_scales_are_the_best_of_a_grid(seed, classes):
    """And so no worse than either part at its own best scale, or both as they are."""
    labels, parts, weights = learnable_rows(seed, classes, 20, parts=2)

    def loss(scales):
        return smoothed_loss(labels, np.tensordot(scales, parts, axes=1), weights)

    scales = fit_scales(parts, labels, weights)
    assert scales.shape == (2,)
    alone = [
        np.array([*fit_scales([parts[0]], labels, weights), 0]),
        np.array([0, *fit_scales([parts[1]], labels, weights)]),
    ]
    near = [scales * [1 + a, 1 + b] for a in (-0.01, 0, 0.01) for b in (-0.01, 0, 0.01)]
    others = [*alone, *near, [0.05, 0], [0, 0.05], [1, 1], [1, 0]]
    assert all(loss(scales) <= loss(np.array(other)) + EXACT for other in others)


@few
@given(seeds, class_counts, st.floats(1e-6, 1e6))
def test_a_part_that_is_larger_gets_a_smaller_scale(seed, classes, factor):
    labels, parts, weights = learnable_rows(seed, classes, 20, parts=2)
    scales = fit_scales(parts, labels, weights)
    other = fit_scales([factor * parts[0], parts[1]], labels, weights)
    np.testing.assert_allclose(other * [factor, 1], scales, rtol=FITTED, atol=FITTED)


@few
@given(seeds, class_counts)
def test_what_is_added_to_all_classes_of_a_row_changes_nothing(seed, classes):
    labels, parts, weights = learnable_rows(seed, classes, 20)
    added = np.random.RandomState(seed).normal(size=(20, 1)) * 10
    (scale,), (other,) = (fit_scales([part], labels, weights) for part in (parts[0], parts[0] + added))
    assert other == pytest.approx(scale, rel=FITTED)


@few
@given(seeds, class_counts)
def test_a_weight_of_three_is_a_row_thrice(seed, classes):
    labels, parts, weights = learnable_rows(seed, classes, 30)
    again = np.repeat(np.arange(30), weights.astype(int))
    (scale,) = fit_scales(parts, labels, weights)
    (other,) = fit_scales([parts[0][again]], labels[again], np.ones(len(again), np.float32))
    assert other == pytest.approx(scale, rel=FITTED)


@few
@given(seeds, class_counts, st.booleans())
def test_one_scale_never_changes_which_class_is_the_most_probable(seed, classes, misled):
    """Not even that of a part which is worse than nothing."""
    labels, (logits,), weights = learnable_rows(seed, classes, 20)
    logits = (-logits if misled else logits).astype(np.float32)
    scales = fit_scales([logits], labels, weights)
    assert combined([logits], scales).argmax(axis=1).tolist() == logits.argmax(axis=1).tolist()


def test_a_part_that_misleads_is_as_faint_as_can_be():
    logits = np.array([[8, 0], [0, 8]], np.float32)
    labels, weights = np.array([1, 0]), np.ones(2, np.float32)
    (scale,) = fit_scales([logits], labels, weights)
    assert scale * np.sqrt(32) == pytest.approx(FAINTEST)
    both = fit_scales([logits, 2 * logits], labels, weights)
    assert both.tolist() == pytest.approx([scale / 3, scale / 3]), "with another of the kind it is as faint"


def test_a_part_that_misleads_is_left_out_where_another_helps():
    labels, (logits, other), weights = learnable_rows(1, classes=3, number=40, parts=2)
    scales = fit_scales([logits, -other], labels, weights)
    assert scales[1] == 0 < scales[0]


def test_rows_that_are_all_right_have_finite_scales():
    """Two rows of each of two labels: the truth is smoothed to 3/4, whose logit is log 3."""
    logits = np.array([[1, -1], [2, 0], [-1, 1], [0, 2]], np.float64)
    (scale,) = fit_scales([logits], np.array([0, 0, 1, 1]), np.ones(4))
    assert 2 * scale == pytest.approx(np.log(3), rel=FITTED)
    (scale,) = fit_scales([np.eye(3)], np.arange(3), np.ones(3))
    assert scale == pytest.approx(np.log(2), rel=FITTED), "2/4 against 1/4"


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_a_part_that_says_nothing_gets_one_and_changes_nothing(value):
    labels, parts, weights = learnable_rows(3, classes=3, number=40)
    nothing = np.full((40, 3), value)
    assert fit_scales([nothing], labels, weights).tolist() == [1]
    with_it, without = fit_scales([parts[0], nothing], labels, weights), fit_scales(parts, labels, weights)
    assert with_it.tolist() == pytest.approx([*without, 1], rel=FITTED)


def test_a_dev_set_that_lacks_a_class_is_enough():
    labels, parts, weights = learnable_rows(3, classes=3, number=40)
    some = labels < 2
    scales = fit_scales([parts[0][some]], labels[some], weights[some])
    assert 0 < scales[0] < 10


def test_the_same_rows_give_the_same_bits():
    labels, parts, weights = learnable_rows(5, classes=3, number=200, parts=2)
    assert fit_scales(parts, labels, weights).tobytes() == fit_scales(parts, labels, weights).tobytes()


@given(seeds, class_counts)
def test_combined_is_the_softmax_of_the_scaled_sum(seed, classes):
    _, parts, _ = learnable_rows(seed, classes, 9, parts=2)
    found = combined(parts, np.array([0.5, 2.0]))
    powers = np.exp(0.5 * parts[0] + 2 * parts[1])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=1e-7)


def test_large_logits_do_not_overflow():
    assert combined([np.array([[1e4, 0.0]])], np.ones(1)).tolist() == [[1, 0]]


def test_the_report_has_the_figures_before_and_after():
    labels, (logits,), weights = learnable_rows(1, classes=3, number=400)
    logits *= 9
    after = combined([logits], fit_scales([logits], labels, weights))
    report = calibration_report(labels, logits, after, weights, in_sample=True)
    assert report["in_sample"] is True
    assert {name: list(report[name]) for name in ("before", "after")} == {
        "before": ["ece", "brier", "log_loss"],
        "after": ["ece", "brier", "log_loss"],
    }
    before = combined([logits], np.ones(1))
    assert report["before"]["ece"] == expected_calibration_error(labels, before, weights)
    assert report["after"]["brier"] == brier_score(labels, after, weights)
    assert all(report["after"][name] < report["before"][name] for name in report["after"])
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    unknown = calibration_report(labels, None, after, weights, in_sample=False)
    assert unknown == {"in_sample": False, "after": report["after"]}


def on_fixed_rows(law, *more):
    """The law on some rows, without a search for the simplest that break it."""
    if hasattr(law, "hypothesis"):
        for seed in range(10):
            law.hypothesis.inner_test(seed, 2 + seed % 3, *more)
    else:
        law()


FAULTS = {
    "the weights do not count": (
        (test_a_weight_of_three_is_a_row_thrice,),
        lambda fit: lambda parts, labels, weights: fit(parts, labels, np.ones(len(labels))),
    ),
    "truth is not smoothed": (
        (test_rows_that_are_all_right_have_finite_scales,),
        lambda fit: lambda parts, labels, weights: fit(parts, labels, weights * 1e6),
    ),
    "scales for each part alone": (
        (test_several_scales_are_the_best_of_a_grid,),
        lambda fit: lambda parts, *rows: np.concatenate([fit([part], *rows) for part in parts]),
    ),
    "a scale below zero": (
        (test_one_scale_never_changes_which_class_is_the_most_probable, False),
        lambda fit: lambda parts, *rows: -fit(parts, *rows),
    ),
    "no bound for what misleads": (
        (test_one_scale_never_changes_which_class_is_the_most_probable, True),
        lambda fit: lambda parts, *rows: np.where(fit(parts, *rows) < 0.05, 0, fit(parts, *rows)),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_breaks_a_law(fault, monkeypatch):
    law, plant = FAULTS[fault]
    on_fixed_rows(*law)
    monkeypatch.setitem(globals(), "fit_scales", plant(calibration.fit_scales))
    with pytest.raises(AssertionError):
        on_fixed_rows(*law)


def test_planted_fault_an_error_without_weights(monkeypatch):
    def unweighted(labels, probabilities, weights, bins=15):
        return calibration.expected_calibration_error(labels, probabilities, np.ones(len(labels)), bins)

    on_fixed_rows(test_expected_calibration_error_is_that_of_its_definition, 7)
    monkeypatch.setitem(globals(), "expected_calibration_error", unweighted)
    with pytest.raises(AssertionError):
        on_fixed_rows(test_expected_calibration_error_is_that_of_its_definition, 7)
