"""Which model files are read, and that all others are refused before anybody runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import permutations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from seqtrain.config.schema import Wide
from seqtrain.errors import RunError
from seqtrain.inference.graph import TABLES
from seqtrain.inference.layout import Layout
from seqtrain.inference.model_file import MOST_TOKENS, read_model
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.quantization import quantized
from seqtrain.text.tokenizer import word_rule
from tests import crafted
from tests.onnx_models import METADATA, NGRAMS, SIZES, model_bytes, random_weights
from tests.shapes import CELLS, POOLINGS, Shape

EVERY_SHAPE = [
    Shape(cell, pooling, bidirectional, layers)
    for cell in CELLS
    for count in range(1, len(POOLINGS) + 1)
    for pooling in permutations(POOLINGS, count)
    for bidirectional, layers in ((True, 1), (False, 3))
]


def test_whatever_is_built_is_read() -> None:
    for shape in EVERY_SHAPE:
        file = read_model(model_bytes(shape), "model.onnx")
        assert file.layout == Layout(units=SIZES["units"], **asdict(shape))
        assert (file.words, file.classes) == (SIZES["vocabulary"], SIZES["classes"])
        assert file.metadata == {key: value.encode() for key, value in METADATA.items()}


@pytest.mark.parametrize("make", [lambda model: model, lambda model: quantized(model, "m")], ids=TABLES)
@pytest.mark.parametrize("longest", range(1, 6))
@pytest.mark.parametrize("classes", [2, 3])
def test_so_is_a_wide_path(classes: int, longest: int, make: Callable[[bytes], bytes]) -> None:
    ngrams = NGRAMS._replace(longest=longest, buckets=7 if longest > 1 else 0)
    file = read_model(make(model_bytes(Shape("gru", POOLINGS), ngrams=ngrams, classes=classes)), "model.onnx")
    assert file.layout.wide == (longest, classes == 2)
    assert len(file.arrays["wide.table"]) == ngrams.features
    assert file.arrays["wide.cut"].tolist() == [ngrams.cut_length, ngrams.cut]


def test_the_longest_ngrams_are_those_of_a_config() -> None:
    with pytest.raises(ValidationError, match="less than or equal to"):
        Wide(ngrams=MOST_TOKENS + 1)
    assert Wide(ngrams=MOST_TOKENS).ngrams == MOST_TOKENS
    with pytest.raises(RunError, match="its graph is none that this release builds"):
        read_model(model_bytes(Shape(), ngrams=NGRAMS._replace(longest=MOST_TOKENS + 1)), "model.onnx")


def test_the_largest_model_of_all_has_fewer_parts_than_are_read() -> None:
    shape = Shape(pooling=POOLINGS, layers=64)
    read_model(model_bytes(shape, ngrams=NGRAMS._replace(longest=MOST_TOKENS)), "model.onnx")


def test_the_library_may_write_it_anew() -> None:
    """Which orders fields as it likes."""
    again = onnx.load_from_string(crafted.GOOD).SerializeToString()
    before, after = read_model(crafted.GOOD, "model.onnx"), read_model(again, "model.onnx")
    assert before[:4] == after[:4]
    assert before.arrays.keys() == after.arrays.keys()
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array)


def test_its_arrays_are_those_that_were_written() -> None:
    weights = random_weights(Shape())
    arrays = read_model(crafted.GOOD, "model.onnx").arrays
    np.testing.assert_array_equal(arrays["embedding"], weights["embedding"].astype(np.float32))
    np.testing.assert_array_equal(arrays["output.kernel"], weights["output.kernel"].astype(np.float32))


@pytest.mark.parametrize(("forge", "reason"), crafted.MODELS.values(), ids=crafted.MODELS)
def test_a_forged_file_is_refused(forge: crafted.Forge, reason: str) -> None:
    with pytest.raises(RunError, match=reason) as caught:
        Predictor(forge())
    assert str(caught.value).startswith("the model: ")
    assert len(str(caught.value)) < 1000


def test_any_limit_on_the_tokens_will_do() -> None:
    expected = Predictor(crafted.GOOD).probabilities(["a joy to watch"])
    for max_length in (12, 10**12, 10**90):
        forged = Predictor(crafted.with_rule(max_length=max_length)())
        np.testing.assert_array_equal(forged.probabilities(["a joy to watch"]), expected)


places = st.integers(0, len(crafted.WIDE) - len(word_rule()))  # those tables stand at the end
flip = st.tuples(places, places.map(lambda place: place + 1), st.binary(min_size=1, max_size=1))
cut = st.tuples(places, places, st.just(b""))
splice = st.builds(lambda start, end, source: (start, end, crafted.WIDE[source : source + 40]), *[places] * 3)
insert = st.builds(lambda start, some: (start, start, some), places, st.binary(min_size=1, max_size=9))


@settings(deadline=None, max_examples=1000)
@given(st.lists(flip | cut | splice | insert, min_size=1, max_size=3))
def test_a_mutant_is_refused_or_answers(mutations: list[tuple[int, int, bytes]]) -> None:
    content = bytearray(crafted.WIDE)
    for start, end, new in mutations:
        content[start:end] = new
    try:
        probabilities = Predictor(bytes(content)).probabilities(["a joy", "", "dull and long!"])
    except RunError:
        return
    assert probabilities.shape == (3, SIZES["classes"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
