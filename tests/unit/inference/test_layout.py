"""The arrays that a layout asks for."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from seqtrain.inference.graph import build_graph
from seqtrain.inference.layout import Layout, Wide, array_shapes, array_type, cut_array, file_arrays
from seqtrain.text.ngrams import Ngrams
from tests.onnx_models import SIZES, random_weights
from tests.shapes import SHAPES, Shape

WORDS = SIZES["vocabulary"]


def layout(shape: Shape, wide: Wide | None = None) -> Layout:
    return Layout(units=SIZES["units"], **asdict(shape), wide=wide)


def check(layout: Layout, weights: dict[str, np.ndarray], classes: int, features: int = 0) -> None:
    arrays = file_arrays(weights, layout)
    sizes = {"words": WORDS, "embedding": SIZES["embedding"], "classes": classes, "features": features}
    assert {name: array.shape for name, array in arrays.items()} == array_shapes(layout, **sizes)
    assert {name: array.dtype for name, array in arrays.items()} == {
        name: array_type(name, layout) for name in arrays
    }
    places = build_graph(layout).stored
    assert arrays.keys() == {name for name, constant in places.items() if constant is None}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_arrays_have_the_shapes_told_and_the_names_of_the_graph(shape):
    check(layout(shape), random_weights(shape), SIZES["classes"])


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("longest", [1, 3])
def test_so_they_have_with_a_wide_path(classes, longest):
    ngrams = Ngrams(longest, WORDS, 9 if longest > 1 else 0)
    weights = random_weights(Shape(), ngrams, classes) | {"wide.cut": cut_array(ngrams)}
    check(layout(Shape(), Wide(longest, single=classes == 2)), weights, classes, ngrams.features)


def test_tables_of_whole_numbers_have_scales_by_word_and_by_column():
    small = layout(Shape(), Wide(2, single=False))._replace(tables="int8")
    shapes = array_shapes(small, words=10, embedding=4, classes=3, features=99)
    assert {name: shape for name, shape in shapes.items() if name.startswith(("embedding", "wide"))} == {
        "embedding": (10, 4),
        "embedding.scale": (10, 1),
        "wide.table": (99, 3),
        "wide.table.scale": (1, 3),
        "wide.bias": (3,),
        "wide.scale": (1,),
        "wide.cut": (2,),
    }
    whole = {name: array_type(name, small) for name in shapes if array_type(name, small) != np.float32}
    assert whole == {"embedding": np.int8, "wide.table": np.int16, "wide.cut": np.int32}


def test_a_cut_that_no_text_is_long_enough_for_is_one_that_int32_holds():
    assert cut_array(Ngrams(2, 9, 9, cut_length=400, cut=200)).tolist() == [400, 200]
    assert cut_array(Ngrams(2, 9, 9, 10**90, 5 * 10**89)).tolist() == [2**31 - 1, 2**31 - 1]


def test_weights_that_the_model_does_not_use_are_refused():
    with pytest.raises(ValueError, match=r"no place for layer_1\.backward\.bias, .*layer_1\.forward"):
        file_arrays(random_weights(Shape(layers=2)), layout(Shape()))


def test_a_missing_weight_is_named():
    with pytest.raises(KeyError, match=r"attention\.kernel"):
        file_arrays(random_weights(Shape()), layout(Shape(pooling=("attention",))))
