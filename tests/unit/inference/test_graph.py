"""The ONNX file: what it declares, and the weights inside it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from itertools import permutations, product

import numpy as np
import onnx
import pytest

from seqtrain.errors import RunError
from seqtrain.inference import graph
from seqtrain.inference.graph import POOLINGS, TABLES, build_graph, build_onnx
from seqtrain.inference.layout import Layout, Wide
from seqtrain.inference.model_file import PLAIN_OPERATORS
from tests.onnx_models import NGRAMS, SIZES, model_bytes, random_weights
from tests.shapes import CELLS, Shape

EVERYTHING = Shape("lstm", ("mean", "max", "last", "attention"), bidirectional=True, layers=2)
SHAPES = [EVERYTHING, Shape("gru", bidirectional=False), Shape("rnn", ("last",))]
WIDES = [None, Wide(1, single=False), Wide(2, single=True), Wide(5, single=False)]


def value_info(value):
    tensor = value.type.tensor_type
    return value.name, tensor.elem_type, [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]


@pytest.mark.parametrize("ngrams", [None, NGRAMS], ids=["network", "wide"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_file_passes_the_full_check_of_onnx(shape, ngrams):
    onnx.checker.check_model(model_bytes(shape, ngrams=ngrams), full_check=True)


def test_version_and_operators_are_those_of_old_runtimes():
    model = onnx.load_from_string(model_bytes(EVERYTHING, ngrams=NGRAMS))
    assert model.ir_version == 8
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert {node.domain for node in model.graph.node} == {""}
    assert model.producer_name == "seqtrain"


def test_inputs_and_outputs():
    model = onnx.load_from_string(model_bytes(EVERYTHING))
    assert [value_info(value) for value in model.graph.input] == [
        ("token_ids", onnx.TensorProto.INT32, ["batch", "time"]),
        ("lengths", onnx.TensorProto.INT32, ["batch"]),
    ]
    assert [value_info(value) for value in model.graph.output] == [
        ("logits", onnx.TensorProto.FLOAT, ["batch", SIZES["classes"]]),
        ("probabilities", onnx.TensorProto.FLOAT, ["batch", SIZES["classes"]]),
        ("uncalibrated", onnx.TensorProto.FLOAT, ["batch", SIZES["classes"]]),
    ]


def test_every_weight_is_inside_in_single_precision():
    shape = Shape()
    model = onnx.load_from_string(model_bytes(shape))
    arrays = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    embedding = random_weights(shape)["embedding"].astype(np.float32)
    np.testing.assert_array_equal(arrays["embedding"], embedding)
    assert all(array.data_location == onnx.TensorProto.DEFAULT for array in model.graph.initializer)


def test_metadata_are_what_the_caller_passes():
    model = onnx.load_from_string(model_bytes(Shape(), {"seqtrain": "{…}", "note": "mine"}))
    assert {entry.key: entry.value for entry in model.metadata_props} == {"seqtrain": "{…}", "note": "mine"}


def test_the_same_weights_give_the_same_bytes():
    assert model_bytes(EVERYTHING, ngrams=NGRAMS) == model_bytes(EVERYTHING, ngrams=NGRAMS)


def test_the_wide_path_needs_its_ngrams_and_they_need_it():
    weights = random_weights(Shape(), NGRAMS)
    with pytest.raises(ValueError, match=r"no place for wide\.bias, wide\.scale, wide\.table"):
        build_onnx(weights, **asdict(Shape()), metadata={})
    with pytest.raises(KeyError, match=r"wide\.table"):
        build_onnx(random_weights(Shape()), **asdict(Shape()), metadata={}, ngrams=NGRAMS)


@pytest.mark.parametrize("ngrams", [None, NGRAMS], ids=["network", "wide"])
def test_whoever_looks_for_faults_may_open_it(ngrams):
    model = onnx.load_from_string(model_bytes(EVERYTHING, ngrams=ngrams))
    assert {node.op_type for node in model.graph.node} <= PLAIN_OPERATORS


def test_a_model_beyond_the_limit_of_the_format_is_refused(monkeypatch):
    monkeypatch.setattr(graph, "LARGEST_MODEL", 1000)
    graph.check_size([(10, 20), (3,)], {"seqtrain": "x" * 188})
    with pytest.raises(RunError, match=r"the model takes 1,001 .* at most 1,000\n.*vocabulary\.max_size"):
        graph.check_size([(10, 20), (3,)], {"seqtrain": "x" * 189})


def test_so_is_a_vocabulary_that_no_file_may_have() -> None:
    graph.check_size([(10, 10)], {"seqtrain": "x" * graph.MOST_BYTES})
    with pytest.raises(RunError, match=r"the vocabulary takes .* at most 16,777,216\n.*vocabulary\.max_size"):
        graph.check_size([(10, 10)], {"seqtrain": "x" * (graph.MOST_BYTES + 1)})


def test_no_graph_is_another_than_it_was() -> None:
    """Older files would not be read any more: then `metadata.FORMAT` gets another number, and this digest too."""
    digest = hashlib.sha256()
    poolings = [names for count in range(1, 5) for names in permutations(POOLINGS, count)]
    several = product(CELLS, (1, 2, 3), (True, False), poolings, TABLES, [None])
    for layout in (*several, *product(CELLS, (2,), (True,), poolings[:1], TABLES, WIDES)):
        built = build_graph(Layout(layout[0], 4, *layout[1:]))
        stored = {name: None if value is None else value.tolist() for name, value in built.stored.items()}
        digest.update(repr((built.nodes, stored)).encode())
    assert digest.hexdigest() == "e23973303fe5a83f578fc1b9564d1134ef00ab6e25ea4ee989d4d9934de8086f"
