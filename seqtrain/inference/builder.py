"""A list of ONNX nodes and stored arrays that becomes a model: the plumbing below `graph`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from seqtrain import __version__

OPSET = 17  # onnx itself would write its newest, which onnxruntime refuses
IR_VERSION = 8

Array = np.ndarray[Any, Any]


class GraphBuilder:
    """Collects nodes; a tensor is known by its name, which the methods that make one return."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []
        self.untaken = dict(weights)

    def take(self, name: str) -> Array:
        """The array of a weight; each can be taken once, and must have been at the end."""
        return self.untaken.pop(name)

    def store(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32, name: str = "") -> str:
        """Writes an array or a number into the model."""
        name = name or f"constant_{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, name: str) -> str:
        """Writes a weight into the model as it is."""
        return self.store(self.take(name), name=name)

    def axes(self, *numbers: int) -> str:
        """Writes a list of axes, or a shape, into the model."""
        return self.store(numbers, np.int64)

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds a node with one output, which gets a name of its own unless one is given."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def add_recurrence(self, operator: str, *inputs: str, name: str, **attributes: Any) -> tuple[str, str]:
        """Adds an LSTM, GRU or RNN: its outputs over time, and the last state of each direction."""
        outputs, last = f"{name}.outputs", f"{name}.last"
        self.nodes.append(helper.make_node(operator, inputs, [outputs, last], **attributes))
        return outputs, last

    def to_bytes(self, *, classes: int, metadata: Mapping[str, str]) -> bytes:
        """The model: token_ids, lengths → logits, probabilities. ValueError if a weight was not taken."""
        if self.untaken:
            raise ValueError(f"the model described has no place for {', '.join(sorted(self.untaken))}")
        graph = helper.make_graph(
            self.nodes,
            "seqtrain",
            _value_infos(TensorProto.INT32, token_ids=["batch", "time"], lengths=["batch"]),
            _value_infos(TensorProto.FLOAT, logits=["batch", classes], probabilities=["batch", classes]),
            self.stored,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="seqtrain",
            producer_version=__version__,
        )
        helper.set_model_props(model, dict(metadata))
        return bytes(model.SerializeToString())


def _value_infos(dtype: int, **shapes: Sequence[str | int]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, dtype, shape) for name, shape in shapes.items()]
