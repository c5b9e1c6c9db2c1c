"""Quality gates."""

from __future__ import annotations

import pytest

from seqtrain.errors import GateError, UsageError
from seqtrain.evaluation.gate import Requirement, check, parse_requirement

RESULT = {
    "accuracy": 0.8312,
    "macro_f1": 0.9,
    "weighted_f1": 0.83,
    "log_loss": 0.41,
    "brier": 0.25,
    "ece": 0.03,
    "roc_auc": None,
}


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("accuracy=0.9", Requirement("accuracy", 0.9)),
        ("macro_f1=1", Requirement("macro_f1", 1.0)),
        ("log_loss=2.5e0", Requirement("log_loss", 2.5)),
        ("ece=0.05", Requirement("ece", 0.05)),
        ("roc_auc=0", Requirement("roc_auc", 0.0)),
    ],
)
def test_a_requirement_is_a_metric_and_a_bound(text, requirement):
    assert parse_requirement(text) == requirement


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("accuracy", "'accuracy' is not of the form metric=value"),
        ("acuracy=0.9", r"is not one of accuracy, .*, roc_auc\. Did you mean 'accuracy'\?"),
        ("rows=3", "'rows' is not one of"),
        ("accuracy=90", "a number from 0 to 1, not '90'"),
        ("accuracy=-0.1", "a number from 0 to 1, not '-0.1'"),
        ("accuracy=nan", "a number from 0 to 1, not 'nan'"),
        ("accuracy=high", "a number from 0 to 1, not 'high'"),
        ("accuracy=", "a number from 0 to 1, not ''"),
        ("log_loss=inf", "a number of at least 0, not 'inf'"),
        ("log_loss=-1", "a number of at least 0, not '-1'"),
    ],
)
def test_what_cannot_be_required_is_a_usage_error(text, reason):
    with pytest.raises(UsageError, match=reason):
        parse_requirement(text)


@pytest.mark.parametrize(
    "text", ["accuracy=0.8312", "accuracy=0.83", "macro_f1=0.9", "log_loss=0.41", "log_loss=0.5", "brier=0.3"]
)
def test_a_requirement_that_is_met_says_nothing(text):
    check(RESULT, [parse_requirement(text)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy=0.8313", "accuracy is 0.8312 and must be at least 0.8313"),
        ("log_loss=0.4", "log_loss is 0.41 and must be at most 0.4"),
        ("ece=0.02", "ece is 0.03 and must be at most 0.02"),
        ("roc_auc=0.5", "roc_auc must be at least 0.5, and is not defined on these rows"),
    ],
)
def test_a_requirement_that_is_missed_says_how(text, message):
    with pytest.raises(GateError) as caught:
        check(RESULT, [parse_requirement(text)])
    assert str(caught.value) == message


def test_all_that_are_missed_are_named_and_no_others():
    requirements = map(parse_requirement, ["accuracy=0.9", "macro_f1=0.9", "log_loss=0.1"])
    with pytest.raises(GateError) as caught:
        check(RESULT, requirements)
    assert str(caught.value).splitlines() == [
        "accuracy is 0.8312 and must be at least 0.9",
        "log_loss is 0.41 and must be at most 0.1",
    ]
