"""The ONNX file: what it declares, and the weights inside it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from seqtrain.errors import RunError
from seqtrain.inference import graph
from seqtrain.inference.graph import CELLS, build_onnx, onnx_arrays, reorder
from tests import oracles
from tests.onnx_models import METADATA, SIZES, model_bytes, random_weights
from tests.shapes import Shape

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


def test_weights_that_the_model_does_not_use_are_refused():
    weights = random_weights(Shape(layers=2))
    with pytest.raises(ValueError, match=r"no place for layer_1\.backward\.bias, .*layer_1\.forward"):
        build_onnx(weights, cell="lstm", layers=1, bidirectional=True, pooling=["mean"], metadata=METADATA)


def test_a_missing_weight_is_named():
    weights = random_weights(Shape())
    with pytest.raises(KeyError, match=r"attention\.kernel"):
        build_onnx(
            weights, cell="lstm", layers=1, bidirectional=True, pooling=["attention"], metadata=METADATA
        )


def test_a_model_beyond_the_limit_of_the_format_is_refused(monkeypatch):
    monkeypatch.setattr(graph, "LARGEST_MODEL", 1000)
    with pytest.raises(RunError, match=r"at most 1,000\n.*vocabulary\.max_size"):
        model_bytes(Shape())


def test_reorder_puts_gate_by_gate():
    gates = np.array([[10, 11, 20, 21, 30, 31, 40, 41]])  # two units of i f g o
    assert reorder(gates, CELLS["lstm"].order).tolist() == [[10, 11, 40, 41, 20, 21, 30, 31]]  # i o f g
    assert reorder(gates, (0,)).tolist() == gates.tolist()


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_single_bias_becomes_the_input_bias(cell):
    weights = oracles.random_weights(1, vocabulary=4, embedding=3, units=2, classes=2, cell=cell)
    kernel, recurrent_kernel, bias = oracles.direction_weights(weights, 0, "forward")
    gates = oracles.GATES[cell] * 2
    onnx_kernel, onnx_recurrent_kernel, onnx_bias = onnx_arrays(CELLS[cell], kernel, recurrent_kernel, bias)
    assert (onnx_kernel.shape, onnx_recurrent_kernel.shape, onnx_bias.shape) == (
        (gates, 3),
        (gates, 2),
        (2 * gates,),
    )
    np.testing.assert_array_equal(onnx_bias[:gates], reorder(bias, CELLS[cell].order))
    np.testing.assert_array_equal(onnx_bias[gates:], 0)


def test_the_two_biases_of_a_gru_keep_their_order():
    bias = np.arange(12.0).reshape(2, 6)
    _, _, onnx_bias = onnx_arrays(CELLS["gru"], np.zeros((3, 6)), np.zeros((2, 6)), bias)
    np.testing.assert_array_equal(onnx_bias, np.arange(12.0))
