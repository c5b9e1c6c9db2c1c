"""The answer of a model, made of its parts: not worse on dev than either, and all that a model file needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.evaluation.calibration import combined, fit_scales, mean_log_loss
from seqtrain.pipeline import answer as module
from seqtrain.pipeline.answer import Answer
from seqtrain.text.ngrams import Ngrams
from seqtrain.wide.path import WidePath, fit_wide_path
from tests.unit.wide.corpora import WORDS, random_corpora

CORPORA = random_corpora(150)
DEV = CORPORA.dev
SLACK = 5e-3  # the scales are fitted to a smoothed truth


def wide() -> WidePath:
    weights = CORPORA.train.weights, DEV.weights
    return fit_wide_path(CORPORA, Ngrams(2, WORDS, 500), weights, strength=1.0)


WIDE = wide()


def network(seed: int, skill: float) -> np.ndarray:
    """Logits on dev that know the label as well as `skill` says."""
    logits = np.random.default_rng(seed).normal(size=(len(DEV), 2))
    logits[np.arange(len(DEV)), DEV.labels] += skill
    return logits.astype(np.float32)


def log_loss(probabilities: np.ndarray) -> float:
    return mean_log_loss(DEV.labels, probabilities, DEV.weights)


def alone(logits: np.ndarray) -> float:
    """The log loss of one part, at its best scale."""
    return log_loss(combined([logits], fit_scales([logits], DEV.labels, DEV.weights)))


def both_are_not_worse_than_either(seed: int, skill: float) -> None:
    logits = network(seed, skill)
    both = log_loss(Answer(DEV, WIDE).on_dev(logits))
    assert both <= min(alone(logits), alone(WIDE.dev)) + SLACK


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), skill=st.sampled_from([-1.0, 0.0, 0.5, 3.0]))
def test_the_whole_is_not_worse_on_dev_than_either_part(seed: int, skill: float) -> None:
    both_are_not_worse_than_either(seed, skill)


def test_planted_fault_the_plain_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit_scales", lambda parts, labels, weights: np.ones(len(parts)))
    with pytest.raises(AssertionError):
        both_are_not_worse_than_either(0, -1.0)


def test_what_goes_into_a_model_is_what_it_answers_with() -> None:
    answer, logits = Answer(DEV, WIDE), network(1, 1.0)
    arrays = answer.arrays(answer.scales(logits))
    z = WIDE.dev * arrays["wide.scale"] + logits * arrays["output.scale"]
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer.on_dev(logits), expected, atol=1e-6)
    assert {name: array.shape for name, array in arrays.items()} == {
        "output.scale": (1,),
        "wide.table": (WIDE.ngrams.features, 1),
        "wide.bias": (1,),
        "wide.scale": (1,),
    }


def test_without_a_wide_path_the_labels_are_those_of_the_network() -> None:
    answer, logits = Answer(DEV, None), network(2, 0.5)
    np.testing.assert_array_equal(answer.on_dev(logits).argmax(axis=1), logits.argmax(axis=1))
    assert list(answer.arrays(answer.scales(logits))) == ["output.scale"]
