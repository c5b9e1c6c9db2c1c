"""The ONNX file: what it declares, and the weights inside it."""

from __future__ import annotations

import hashlib
from itertools import permutations, product

import numpy as np
import onnx
import pytest

from seqtrain.errors import RunError
from seqtrain.inference import graph
from seqtrain.inference.graph import POOLINGS, TABLES, build_graph
from seqtrain.inference.layout import Layout
from tests.onnx_models import SIZES, model_bytes, random_weights
from tests.shapes import CELLS, Shape

EVERYTHING = Shape("lstm", ("mean", "max", "last", "attention"), bidirectional=True, layers=2)
SHAPES = [EVERYTHING, Shape("gru", bidirectional=False), Shape("rnn", ("last",))]


def value_info(value):
    tensor = value.type.tensor_type
    return value.name, tensor.elem_type, [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_file_passes_the_full_check_of_onnx(shape):
    onnx.checker.check_model(model_bytes(shape), full_check=True)


def test_version_and_operators_are_those_of_old_runtimes():
    model = onnx.load_from_string(model_bytes(EVERYTHING))
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
    assert model_bytes(EVERYTHING) == model_bytes(EVERYTHING)


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
    for cell, layers, bidirectional, pooling, embedding in product(
        CELLS, (1, 2, 3), (True, False), poolings, TABLES
    ):
        built = build_graph(Layout(cell, 4, layers, bidirectional, pooling, embedding))
        stored = {name: None if value is None else value.tolist() for name, value in built.stored.items()}
        digest.update(repr((built.nodes, stored)).encode())
    assert digest.hexdigest() == "483e52807f416c35a3426bcc40caada77b2500b9ac31587ac1c7359bfd77b5bb"
