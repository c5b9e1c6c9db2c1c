"""What a model would say without the scale that calibration gave its logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.inference.predictor import Predictor, _only_scale
from tests.decided_models import decided_model


@pytest.fixture(scope="module")
def predictor():
    return Predictor(decided_model(None), threads=1)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1), st.floats(0.1, 4))
def test_the_scale_is_taken_off_again(predictor, rows, scale):
    logits = np.array(rows)
    predictor._scale = scale
    before = predictor.logits_before(softmax(scale * logits).astype(np.float32))
    np.testing.assert_allclose(softmax(before), softmax(logits), atol=1e-4)


def test_probabilities_of_nothing_are_still_numbers(predictor):
    predictor._scale = 1e-3
    before = softmax(predictor.logits_before(np.array([[1, 0]], np.float32)))
    np.testing.assert_allclose(before, [[1, 0]], atol=1e-30)


@pytest.mark.parametrize(
    ("arrays", "scale"),
    [
        ({"output.scale": [0.5]}, 0.5),
        ({"output.scale": [0.5], "wide.scale": [1.0]}, None),
        ({"output.scale": [0.0]}, None),
        ({"output.scale": [-1.0]}, None),
    ],
)
def test_a_scale_is_one_only_where_it_is_alone_and_above_zero(predictor, arrays, scale):
    predictor._scale = _only_scale({name: np.array(values, np.float32) for name, values in arrays.items()})
    assert predictor._scale == scale
    assert (predictor.logits_before(np.array([[0.5, 0.5]], np.float32)) is None) == (scale is None)
