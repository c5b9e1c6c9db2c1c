"""A graph and its arrays → the bytes of an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import helper, numpy_helper

from seqtrain import __version__
from seqtrain.inference.builder import INPUTS, IR_VERSION, OPSET, GraphBuilder, outputs
from seqtrain.inference.cells import Array


def to_bytes(
    graph: GraphBuilder, weights: Mapping[str, Array], *, classes: int, metadata: Mapping[str, str]
) -> bytes:
    """The model; weights: the arrays for the places that the graph keeps."""
    arrays = {name: weights[name] if value is None else value for name, value in graph.stored.items()}
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(node.operator, node.inputs, node.outputs, **dict(node.attributes))
                for node in graph.nodes
            ],
            "seqtrain",
            _value_infos(INPUTS),
            _value_infos(outputs(classes)),
            [numpy_helper.from_array(array, name) for name, array in arrays.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="seqtrain",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


def with_metadata(model: bytes, metadata: Mapping[str, str]) -> bytes:
    """The same model with other metadata."""
    proto = onnx.load_from_string(model)
    helper.set_model_props(proto, dict(metadata))
    return bytes(proto.SerializeToString())


def _value_infos(values: Mapping[str, tuple[int, tuple[str | int, ...]]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, dtype, shape) for name, (dtype, shape) in values.items()]
