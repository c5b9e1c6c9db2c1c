"""Tables of whole numbers: how far its numbers are off, and that the model stays what it was otherwise."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seqtrain.errors import RunError
from seqtrain.inference.layout import WHOLE
from seqtrain.inference.model_file import read_model
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.quantization import quantize, quantized, rounded
from tests.onnx_models import METADATA, NGRAMS, SIZES, model_bytes, random_weights
from tests.shapes import Shape

numbers = st.floats(-(2.0**100), 2.0**100, width=32)
tables = arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=numbers)
BY_ROW = WHOLE["embedding"]
TEXTS = ["a joy to watch", "not bad", "", "long and dull and long", "nobody knows these words"]


@given(tables)
def test_no_number_is_off_by_more_than_half_a_step(table):
    rows, scales = quantize(table, BY_ROW)
    assert (rows.dtype, scales.dtype) == (np.int8, np.float32)
    assert (rows.shape, scales.shape) == (table.shape, (len(table), 1))
    assert rows.min() >= -127
    assert np.isfinite(scales).all()
    step = np.abs(table).max(axis=1, keepdims=True).astype(np.float64) / 127
    error = np.abs(rows * scales.astype(np.float64) - table)
    assert (error <= 0.5001 * step + 1e-37).all()  # the least float32 numbers have steps of their own


@given(tables)
def test_a_row_and_its_negative_lose_the_same(table):
    rows, scales = quantize(table, BY_ROW)
    negative, same_scales = quantize(-table, BY_ROW)
    np.testing.assert_array_equal(negative, -rows)
    np.testing.assert_array_equal(same_scales, scales)


def test_a_row_of_zeros_stays_zeros():
    rows, scales = quantize(np.array([[0, 0], [1, -2]], np.float32), BY_ROW)
    np.testing.assert_allclose(rows * scales, [[0, 0], [2 / 127 * 64, -2]], rtol=1e-6)


@given(tables)
def test_columns_are_rows_of_the_table_turned(table):
    numbers, scales = quantize(table, BY_ROW._replace(axis=0))
    turned, turned_scales = quantize(table.T, BY_ROW)
    np.testing.assert_array_equal(numbers, turned.T)
    np.testing.assert_array_equal(scales, turned_scales.T)


@given(tables)
def test_sixteen_bits_have_smaller_steps(table):
    numbers, scales = quantize(table, WHOLE["wide.table"])
    assert (numbers.dtype, numbers.shape, scales.shape) == (np.int16, table.shape, (1, table.shape[1]))
    assert numbers.min() >= -32_767
    step = np.abs(table).max(axis=0, keepdims=True).astype(np.float64) / 32_767
    error = np.abs(numbers * scales.astype(np.float64) - table)
    assert (error <= 0.505 * step + 1e-37).all()


@pytest.mark.parametrize("wide", [{}, {"ngrams": NGRAMS}, {"ngrams": NGRAMS, "classes": 2}], ids=str)
@pytest.mark.parametrize(
    "shape", [Shape(), Shape("gru", ("max", "last"), layers=2), Shape("rnn", ("attention",))], ids=str
)
def test_it_computes_what_its_rounded_numbers_say(shape, wide):
    weights, replaced = random_weights(shape, **wide), {}
    for name in WHOLE.keys() & weights.keys():
        numbers, scales = quantize(weights[name].astype(np.float32), WHOLE[name])
        replaced[name] = numbers * scales
    by_hand = Predictor(model_bytes(shape, **wide, **replaced)).probabilities(TEXTS)
    model = model_bytes(shape, **wide)
    np.testing.assert_array_equal(Predictor(quantized(model, "m")).probabilities(TEXTS), by_hand)
    np.testing.assert_array_equal(Predictor(rounded(model, "m")).probabilities(TEXTS), by_hand)
    assert not np.array_equal(Predictor(model).probabilities(TEXTS), by_hand)


def test_only_the_tables_are_others():
    before = model_bytes(Shape(), ngrams=NGRAMS)
    after = quantized(before, "m")
    onnx.checker.check_model(after, full_check=True)
    old, new = read_model(before, "m"), read_model(after, "m")
    assert new.layout == old.layout._replace(tables="int8")
    assert new.metadata == {key: value.encode() for key, value in METADATA.items()}
    assert new.arrays.keys() - old.arrays.keys() == {"embedding.scale", "wide.table.scale"}
    assert new.arrays["embedding"].nbytes == SIZES["vocabulary"] * SIZES["embedding"]
    assert new.arrays["wide.table"].nbytes == 2 * NGRAMS.features * SIZES["classes"]
    for name in old.arrays.keys() - {"embedding", "wide.table"}:
        np.testing.assert_array_equal(new.arrays[name], old.arrays[name])
    assert {node.domain for node in onnx.load_from_string(after).graph.node} == {""}


def test_a_file_that_is_no_model_is_refused():
    with pytest.raises(RunError, match=r"^m: is no model that seqtrain wrote"):
        quantized(b"no model", "m")
