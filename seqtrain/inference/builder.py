"""A list of ONNX nodes and stored arrays that becomes a model: the plumbing below `graph`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seqtrain.inference.cells import Array

OPSET = 17  # onnx itself would write its newest, which onnxruntime refuses
IR_VERSION = 8
FLOAT, INT8, INT16, INT32, INT64 = 1, 3, 5, 6, 7  # as onnx.TensorProto numbers them

INPUTS = {"token_ids": (INT32, ("batch", "time")), "lengths": (INT32, ("batch",))}


def outputs(classes: int) -> dict[str, tuple[int, tuple[str | int, ...]]]:
    """Type and shape of what a model answers."""
    return dict.fromkeys(("logits", "probabilities", "uncalibrated"), (FLOAT, ("batch", classes)))


class Node(NamedTuple):
    """A call of an operator; attributes: (name, value) in the order of their names."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[tuple[str, int | str | tuple[int, ...]], ...]


class GraphBuilder:
    """Collects nodes; a tensor is known by its name, which the methods that make one return.

    stored: the arrays in the file, by name; of a weight, which is filled in later, None.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.stored: dict[str, Array | None] = {}

    def store(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Writes a number, or a list of them, into the model."""
        name = f"constant_{len(self.stored)}"
        self.stored[name] = np.asarray(value, dtype)
        return name

    def axes(self, *numbers: int) -> str:
        """Writes a list of axes, or a shape, into the model."""
        return self.store(numbers, np.int64)

    def weight(self, name: str) -> str:
        """Keeps a place for a weight, an array of `file_arrays`."""
        self.stored[name] = None
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: int | str | list[int]) -> str:
        """Adds a node with one output, which gets a name of its own unless one is given."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self._add_node(operator, inputs, (output,), attributes)
        return output

    def add_recurrence(
        self, operator: str, *inputs: str, name: str, **attributes: int | str
    ) -> tuple[str, str]:
        """Adds an LSTM, GRU or RNN: its outputs over time, and the last state of each direction."""
        outputs, last = f"{name}.outputs", f"{name}.last"
        self._add_node(operator, inputs, (outputs, last), attributes)
        return outputs, last

    def add_sort(self, values: str, size: str) -> str:
        """Adds a TopK that sorts along the first axis, which has this size: the smallest first."""
        output = f"topk_{len(self.nodes)}"
        self._add_node(
            "TopK", (values, size), (output, f"{output}.places"), {"axis": 0, "largest": 0, "sorted": 1}
        )
        return output

    def _add_node(
        self,
        operator: str,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        attributes: Mapping[str, int | str | list[int]],
    ) -> None:
        values = {
            name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()
        }
        self.nodes.append(Node(operator, inputs, outputs, tuple(sorted(values.items()))))
