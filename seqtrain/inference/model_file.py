"""Reads a model file that may come from a stranger: accepted is what `graph` builds, with other numbers in it.

ONNX can say much more: read other files, run subgraphs and functions, make arrays as large as it likes out of a few
bytes. So before a runtime sees the file it is read here, and its graph is compared with the one that this project
writes for such a layout. What is left to differ are the weights, whose sizes are those of their bytes.

The names and numbers of the fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from seqtrain.errors import RunError
from seqtrain.inference.builder import (
    FLOAT,
    INPUTS,
    INT8,
    INT16,
    INT32,
    INT64,
    IR_VERSION,
    OPSET,
    Node,
    outputs,
)
from seqtrain.inference.cells import CELLS, Array
from seqtrain.inference.graph import POOLINGS, TABLES, build_graph
from seqtrain.inference.layout import Layout, Wide, array_shapes, array_type
from seqtrain.inference.metadata import HINT, KEY, MOST_BYTES, RULE_KEY
from seqtrain.inference.wire import Decoder, Field, Refused, Schema
from seqtrain.untrusted import all_finite

MOST_FIELDS = 6_000  # a model of 64 layers with all poolings and a wide path has fewer
MOST_TOKENS = 5  # of an n-gram; a config takes no more
DTYPES = {
    np.dtype(np.float32): FLOAT,
    np.dtype(np.int8): INT8,
    np.dtype(np.int16): INT16,
    np.dtype(np.int32): INT32,
    np.dtype(np.int64): INT64,
}
ATTRIBUTE_TYPES = {int: 2, str: 3, tuple: 7}
CELL_OF = {cell.operator: name for name, cell in CELLS.items()}
ARITHMETIC = (
    "Abs Add And Cast Concat Div Equal Exp Gather Gemm Greater GreaterOrEqual Identity Less LessOrEqual Log LogSoftmax "
    "MatMul Max Min Mod Mul Neg Not Or Pad Pow Range ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Shape "
    "Sigmoid Slice Softmax Split Sqrt Squeeze Sub Sum Tanh TopK Transpose Unsqueeze Where"
)
PLAIN_OPERATORS = {*ARITHMETIC.split(), *CELL_OF}

_ATTRIBUTE: Schema = {
    1: Field("name", str),
    3: Field("int", int),
    4: Field("text", str),
    5: Refused("a tensor in an attribute"),
    6: Refused("a subgraph"),
    8: Field("ints", int, many=True),
    11: Refused("a subgraph"),
    20: Field("type", int),
    22: Refused("a sparse tensor"),
}
_NODE: Schema = {
    1: Field("inputs", str, many=True),
    2: Field("outputs", str, many=True),
    4: Field("operator", str),
    5: Field("attributes", _ATTRIBUTE, many=True),
    7: Refused("an operator of another domain"),
}
_TENSOR: Schema = {
    1: Field("shape", int, many=True),
    2: Field("type", int),
    6: Refused("an array of texts"),
    8: Field("name", str),
    9: Field("content", bytes),
    13: Refused("an array in another file"),
    14: Refused("an array in another file"),
}
_DIMENSION: Schema = {1: Field("number", int), 2: Field("name", str)}
_SHAPE: Schema = {1: Field("dimensions", _DIMENSION, many=True)}
_TENSOR_TYPE: Schema = {1: Field("type", int), 2: Field("shape", _SHAPE)}
_TYPE: Schema = {1: Field("tensor", _TENSOR_TYPE)}
_VALUE: Schema = {1: Field("name", str), 2: Field("type", _TYPE)}
_GRAPH: Schema = {
    1: Field("nodes", _NODE, many=True),
    2: Field("name", str),
    5: Field("arrays", _TENSOR, many=True),
    11: Field("inputs", _VALUE, many=True),
    12: Field("outputs", _VALUE, many=True),
    15: Refused("a sparse tensor"),
}
_ENTRY: Schema = {1: Field("key", str), 2: Field("value", bytes)}
_OPSET: Schema = {1: Field("domain", str), 2: Field("version", int)}
_MODEL: Schema = {
    1: Field("ir_version", int),
    2: Field("producer", str),
    3: Field("producer_version", str),
    7: Field("graph", _GRAPH),
    8: Field("opsets", _OPSET, many=True),
    14: Field("metadata", _ENTRY, many=True),
    20: Refused("training information"),
    25: Refused("a function"),
}


class ModelFile(NamedTuple):
    """What a model file says. metadata: its entries. arrays: views of its weights, by their names there."""

    layout: Layout
    words: int
    classes: int
    metadata: Mapping[str, bytes]
    arrays: Mapping[str, Array]


class StrangeModel(NamedTuple):
    """A file of plain operators and with the metadata of a model, whose graph is none that this release builds."""

    problem: str
    metadata: Mapping[str, bytes]


def read_model(content: bytes, origin: str) -> ModelFile:
    """What a model file says; RunError, naming the origin, for one that this release does not write."""
    with _refused(origin):
        graph, metadata = _parts(content)
        return _read(graph, metadata)


def read_any_model(content: bytes, origin: str) -> ModelFile | StrangeModel:
    """Like `read_model`, but lets pass whatever has nothing but plain operators: for who wants to see it fail."""
    with _refused(origin):
        graph, metadata = _parts(content)
        try:
            return _read(graph, metadata)
        except ValueError as error:
            strange = {node["operator"] for node in graph["nodes"]} - PLAIN_OPERATORS
            if strange:
                raise ValueError(f"it has the operators {', '.join(sorted(map(str, strange)))}") from error
            return StrangeModel(str(error), metadata)


@contextmanager
def _refused(origin: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise RunError(f"{origin}: is no model that seqtrain wrote: {error}", hint=HINT) from error


def _parts(content: bytes) -> tuple[Mapping[str, Any], dict[str, bytes]]:
    """The graph, decoded, and the entries of the metadata."""
    model = Decoder(MOST_FIELDS).decode(memoryview(content), _MODEL)
    _check_version(model)
    if model["graph"] is None:
        raise ValueError("it has no graph")
    return model["graph"], _metadata(model["metadata"])


def _check_version(model: Mapping[str, Any]) -> None:
    opsets = [(opset["domain"] or "", opset["version"]) for opset in model["opsets"]]
    if (model["ir_version"], opsets) != (IR_VERSION, [("", OPSET)]):
        raise ValueError(f"it is not of version {IR_VERSION} of ONNX with the operators of version {OPSET}")


def _metadata(entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    if [entry["key"] for entry in entries] not in ([], [KEY], [KEY, RULE_KEY]):
        raise ValueError(f"its metadata have other entries than {KEY} and {RULE_KEY}")
    sizes = [len(entry["value"] or b"") for entry in entries]
    if sum(sizes) > MOST_BYTES:
        raise ValueError(f"its metadata have {sum(sizes):,} bytes, more than {MOST_BYTES:,}")
    return {entry["key"]: bytes(entry["value"] or b"") for entry in entries}


def _read(graph: Mapping[str, Any], metadata: Mapping[str, bytes]) -> ModelFile:
    layout, constants = _layout([_node(node) for node in graph["nodes"]])
    arrays = {array["name"]: array for array in graph["arrays"]}
    if [array["name"] for array in graph["arrays"]] != list(constants):
        raise ValueError("its arrays are not those of its graph")
    words, embedding = _sizes(arrays["embedding"], 2)
    (classes,) = _sizes(arrays["output.bias"], 1)
    if graph["inputs"] != _described(INPUTS) or graph["outputs"] != _described(outputs(classes)):
        raise ValueError(f"its inputs and outputs are not {', '.join((*INPUTS, *outputs(classes)))}")
    features = _features(arrays["wide.table"], layout.wide, words, classes) if layout.wide else 0
    shapes = array_shapes(layout, words=words, embedding=embedding, classes=classes, features=features)
    weights = {}
    for name, constant in constants.items():
        if constant is None:
            weights[name] = _weight(arrays[name], shapes[name], array_type(name, layout))
        elif _numbers(arrays[name], constant.shape, constant.dtype).tobytes() != constant.tobytes():
            raise ValueError(f"{name} has another value")
    return ModelFile(layout, words, classes, metadata, weights)


def _features(table: Mapping[str, Any], wide: Wide, words: int, classes: int) -> int:
    """The rows of the table of the wide path: one for each word and, for longer n-grams, one for each bucket."""
    features, _ = _sizes(table, 2)
    buckets = features - words
    if wide.single != (classes == 2) or (buckets < 1 if wide.longest > 1 else buckets):
        raise ValueError(f"{table['name']} does not fit {words:,} words and {classes:,} classes")
    return features


def _node(node: Mapping[str, Any]) -> Node:
    attributes = tuple((attribute["name"], _value(attribute)) for attribute in node["attributes"])
    return Node(node["operator"], tuple(node["inputs"]), tuple(node["outputs"]), attributes)


def _value(attribute: Mapping[str, Any]) -> int | str | tuple[int, ...]:
    candidates = attribute["int"], attribute["text"], tuple(attribute["ints"]) or None
    values = [value for value in candidates if value is not None]
    if [ATTRIBUTE_TYPES[type(value)] for value in values] != [attribute["type"]]:
        raise ValueError("an attribute is of another type than it says")
    return values[0]


def _layout(nodes: Sequence[Node]) -> tuple[Layout, dict[str, Array | None]]:
    """The layout whose graph has these nodes, and the constants and places for weights of that graph."""
    for layout in _possible_layouts(nodes):
        graph = build_graph(layout)
        if graph.nodes == nodes:
            return layout, graph.stored
    raise ValueError("its graph is none that this release builds")


def _possible_layouts(nodes: Sequence[Node]) -> Iterator[Layout]:
    """Whatever order of poolings, and kind of table, there may be for the recurrent layers that are seen.

    The features of a text are put together along axis 1, its n-grams along axis 0.
    """
    recurrent = [node for node in nodes if node.operator in CELL_OF]
    joined = [(node.attributes, len(node.inputs)) for node in nodes if node.operator == "Concat"]
    pooled, orders = (
        [count for attributes, count in joined if attributes == (("axis", axis),)] for axis in (1, 0)
    )
    if not recurrent or len(pooled) != 1 or len(orders) > 1 or max(orders, default=1) > MOST_TOKENS:
        return
    wide: list[Wide | None] = [Wide(longest, single) for longest in orders for single in (True, False)]
    attributes = dict(recurrent[0].attributes)
    units, cell = attributes.get("hidden_size"), CELL_OF[recurrent[0].operator]
    if isinstance(units, int) and units > 0:
        both = attributes.get("direction") == "bidirectional"
        for choice in product(permutations(POOLINGS, pooled[0]), TABLES, wide or [None]):
            yield Layout(cell, units, len(recurrent), both, *choice)


def _described(values: Mapping[str, tuple[int, Sequence[str | int]]]) -> list[dict[str, Any]]:
    """Inputs or outputs, as they are decoded."""
    return [
        {
            "name": name,
            "type": {"tensor": {"type": dtype, "shape": {"dimensions": [*map(_dimension, shape)]}}},
        }
        for name, (dtype, shape) in values.items()
    ]


def _dimension(size: str | int) -> dict[str, str | int | None]:
    return {"number": size, "name": None} if isinstance(size, int) else {"number": None, "name": size}


def _sizes(array: Mapping[str, Any], axes: int) -> list[int]:
    """The shape of an array that has so many axes."""
    if len(array["shape"]) != axes or 0 in array["shape"]:
        raise ValueError(f"{array['name']} has another number of axes, or no content")
    return list(array["shape"])


def _weight(array: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    numbers = _numbers(array, shape, dtype)
    if not all_finite(numbers):
        raise ValueError(f"{array['name']} has numbers that are not finite")
    return numbers


def _numbers(array: Mapping[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The numbers of an array where they are in the file; ValueError unless it is of this shape and type."""
    if tuple(array["shape"]) != shape or array["type"] != DTYPES[dtype]:
        raise ValueError(f"{array['name']} is not {dtype} {list(shape)}")
    if len(array["content"] or b"") != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{array['name']} has another number of bytes than its shape {list(shape)} takes")
    return np.frombuffer(array["content"], dtype.newbyteorder("<")).reshape(shape)
