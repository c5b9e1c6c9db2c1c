"""The arrays that a layout asks for."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from seqtrain.inference.graph import build_graph
from seqtrain.inference.layout import Layout, array_shapes, file_arrays
from tests.onnx_models import SIZES, random_weights
from tests.shapes import SHAPES, Shape


def layout(shape: Shape) -> Layout:
    return Layout(units=SIZES["units"], **asdict(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_arrays_have_the_shapes_told_and_the_names_of_the_graph(shape):
    arrays = file_arrays(random_weights(shape), layout(shape))
    sizes = {"words": SIZES["vocabulary"], "embedding": SIZES["embedding"], "classes": SIZES["classes"]}
    assert {name: array.shape for name, array in arrays.items()} == array_shapes(layout(shape), **sizes)
    places = build_graph(layout(shape)).stored
    assert arrays.keys() == {name for name, constant in places.items() if constant is None}


def test_weights_that_the_model_does_not_use_are_refused():
    with pytest.raises(ValueError, match=r"no place for layer_1\.backward\.bias, .*layer_1\.forward"):
        file_arrays(random_weights(Shape(layers=2)), layout(Shape()))


def test_a_missing_weight_is_named():
    with pytest.raises(KeyError, match=r"attention\.kernel"):
        file_arrays(random_weights(Shape()), layout(Shape(pooling=("attention",))))
