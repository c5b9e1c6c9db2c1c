"""Weights → a self-contained ONNX model of standard operators.

token_ids <int32>[batch, time] and lengths <int32>[batch] go in; logits, probabilities and uncalibrated <float32>[batch,
classes] come out, the last being what the logits would be if their parts had no scales. Nothing at or behind a
text's length reaches a result: the recurrent operators are told the lengths, and whoever reads their outputs
selects by a mask that is made from the lengths alone.

Inside, time comes first and the directions stay apart: outputs are [time, directions, batch, units], as the
recurrent operators give them, the mask is [time, 1, batch, 1], a pooled text is [directions, batch, units].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqtrain.errors import RunError
from seqtrain.inference.builder import FLOAT, INT32, GraphBuilder
from seqtrain.inference.cells import Array
from seqtrain.inference.layout import WHOLE, Layout, Wide, cut_array, file_arrays
from seqtrain.inference.metadata import MOST_BYTES
from seqtrain.inference.wide import wide_logits
from seqtrain.text.ngrams import Ngrams

LARGEST_MODEL = 2**31 - 1  # bytes: protocol buffers hold no more
LOWEST = float(np.finfo(np.float32).min)
TIME, DIRECTIONS, UNITS = 0, 1, 3  # axes of a layer's outputs


class Layer(NamedTuple):
    """The tensors a recurrent layer offers, by name."""

    outputs: str  # <float32>[time, directions, batch, units]
    last: str  # <float32>[directions, batch, units], after the last step of each direction
    mask: str  # <bool>[time, 1, batch, 1], True where a position is real


def build_onnx(
    weights: Mapping[str, Array],
    *,
    cell: str,
    layers: int,
    bidirectional: bool,
    pooling: Sequence[str],
    metadata: Mapping[str, str],
    ngrams: Ngrams | None = None,
) -> bytes:
    """The bytes of an ONNX model that computes what the weights say.

    weights: Keras's layout under the names of `weights.safetensors`, and no others (ValueError). cell: a key
    of CELLS. pooling: the keys of POOLINGS to concatenate. metadata: what to write into `metadata_props`.
    ngrams: of the wide path, where the weights have one. What `check_size` refuses is not checked again here.
    """
    from seqtrain.inference.writer import to_bytes  # here, because reading a model needs no onnx

    units, classes = len(weights["layer_0.forward.recurrent_kernel"]), len(weights["output.bias"])
    wide = Wide(ngrams.longest, single=classes == 2) if ngrams else None
    layout = Layout(cell, units, layers, bidirectional, tuple(pooling), wide=wide)
    if ngrams:
        weights = {**weights, "wide.cut": cut_array(ngrams)}
    return to_bytes(build_graph(layout), file_arrays(weights, layout), classes=classes, metadata=metadata)


def build_graph(layout: Layout) -> GraphBuilder:
    """The nodes and constants of a model, and places for its weights.

    `model_file` accepts what this builds and nothing else: whoever changes it makes older files unreadable, and
    gives `metadata.FORMAT` another number.
    """
    graph = GraphBuilder()
    time_major = _time_major(graph, layout.onnx_cell.spare)
    steps = _steps(graph, time_major)
    mask = _mask(graph, steps)
    rows = TABLES[layout.tables]
    inputs = rows(graph, "embedding", time_major)
    layer = _recurrence(graph, layout, "layer_0", inputs, mask)
    for number in range(1, layout.layers):
        inputs = _joined_outputs(graph, layer)
        layer = _recurrence(graph, layout, f"layer_{number}", inputs, mask)
    pooled = [_joined_pooled(graph, POOLINGS[name](graph, layer)) for name in layout.pooling]
    features = graph.add("Concat", *pooled, axis=1)
    kernel, bias = graph.weight("output.kernel"), graph.weight("output.bias")
    parts = {"output.scale": graph.add("Gemm", features, kernel, bias)}
    if layout.wide:
        parts["wide.scale"] = wide_logits(graph, layout.wide, time_major, steps, rows)
    graph.add("Sum", *parts.values(), output="uncalibrated")
    scaled = [graph.add("Mul", part, graph.weight(scale)) for scale, part in parts.items()]
    logits = graph.add("Sum", *scaled, output="logits")
    graph.add("Softmax", logits, output="probabilities", axis=1)
    return graph


def check_size(shapes: Iterable[Sequence[int]], metadata: Mapping[str, str]) -> None:
    """RunError if weights of these shapes, or the metadata, are more than a model file may hold."""
    words = sum(len(text.encode()) for text in metadata.values())
    weights = sum(4 * math.prod(shape) for shape in shapes)
    for what, size, most in (("model", words + weights, LARGEST_MODEL), ("vocabulary", words, MOST_BYTES)):
        if size > most:
            raise RunError(
                f"the {what} takes {size:,} bytes; a model file holds at most {most:,}",
                hint="Lower vocabulary.max_size, model.embedding_size or model.wide.buckets.",
            )


def _time_major(graph: GraphBuilder, spare: int) -> str:
    """The token ids as <int32>[time, batch], where time has these spare positions."""
    time_major = graph.add("Transpose", "token_ids", perm=[1, 0])
    return graph.add("Pad", time_major, graph.axes(0, 0, spare, 0)) if spare else time_major


def _steps(graph: GraphBuilder, time_major: str) -> str:
    """The positions 0, 1, …, <int32>[time]."""
    time = graph.add("Squeeze", graph.add("Shape", time_major, end=1))
    time = graph.add("Cast", time, to=INT32)
    return graph.add("Range", graph.store(0, np.int32), time, graph.store(1, np.int32))


def _mask(graph: GraphBuilder, steps: str) -> str:
    """<bool>[time, 1, batch, 1], True where a position is real."""
    column = graph.add("Unsqueeze", steps, graph.axes(1, 2, 3))
    return graph.add("Less", column, _per_text(graph, "lengths"))


def _per_text(graph: GraphBuilder, values: str) -> str:
    """[batch] → [batch, 1], which lines up with [..., batch, units]."""
    return graph.add("Unsqueeze", values, graph.axes(1))


def _recurrence(graph: GraphBuilder, layout: Layout, name: str, inputs: str, mask: str) -> Layer:
    """A layer over inputs [time, batch, in]; its backward direction starts at each text's length."""
    outputs, last = graph.add_recurrence(
        layout.onnx_cell.operator,
        inputs,
        *(graph.weight(f"{name}.{part}") for part in "WRB"),
        "lengths",
        name=name,
        direction="bidirectional" if layout.bidirectional else "forward",
        hidden_size=layout.units,
        **layout.onnx_cell.attributes,
    )
    return Layer(outputs, last, mask)


def _masked(graph: GraphBuilder, values: str, mask: str, padding: float) -> str:
    """The values where the mask is True, else the padding; where, not multiply: 0 * inf is NaN."""
    return graph.add("Where", mask, values, graph.store(padding))


def _joined_outputs(graph: GraphBuilder, layer: Layer) -> str:
    """The directions side by side and padding zeroed, for the next layer: [time, batch, features]."""
    outputs = _masked(graph, layer.outputs, layer.mask, 0.0)
    beside = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])
    return graph.add("Reshape", beside, graph.axes(0, 0, -1))


def _joined_pooled(graph: GraphBuilder, pooled: str) -> str:
    """The directions side by side: [batch, features]."""
    beside = graph.add("Transpose", pooled, perm=[1, 0, 2])
    return graph.add("Reshape", beside, graph.axes(0, -1))


def _sum(graph: GraphBuilder, values: str, axis: int) -> str:
    """The sum over an axis, which stays with size 1."""
    return graph.add("ReduceSum", values, graph.axes(axis), keepdims=1)


def _sum_over_time(graph: GraphBuilder, values: str) -> str:
    """[time, directions, batch, units] → [directions, batch, units]."""
    return graph.add("ReduceSum", values, graph.axes(TIME), keepdims=0)


def _mean(graph: GraphBuilder, layer: Layer) -> str:
    """The sum over real steps, divided by how many there are."""
    total = _sum_over_time(graph, _masked(graph, layer.outputs, layer.mask, 0.0))
    lengths = graph.add("Cast", "lengths", to=FLOAT)
    return graph.add("Div", total, _per_text(graph, lengths))


def _max(graph: GraphBuilder, layer: Layer) -> str:
    """The largest over real steps; padding is lower than anything, never 0."""
    outputs = _masked(graph, layer.outputs, layer.mask, LOWEST)
    return graph.add("ReduceMax", outputs, axes=[TIME], keepdims=0)


def _last(graph: GraphBuilder, layer: Layer) -> str:
    """Each direction after its last step: forward at the last token, backward at the first."""
    return layer.last


def _attention(graph: GraphBuilder, layer: Layer) -> str:
    """Σ softmax(tanh(outputs) @ kernel) · outputs over real steps.

    The softmax is written out because its sum must run in the order of time: the operator may group the steps
    by how many there are, and then more padding would change the last bit.
    """
    products = graph.add("Mul", graph.add("Tanh", layer.outputs), graph.weight("attention.kernel"))
    scores = _masked(graph, _sum(graph, _sum(graph, products, UNITS), DIRECTIONS), layer.mask, LOWEST)
    highest = graph.add("ReduceMax", scores, axes=[TIME], keepdims=1)
    shares = _masked(graph, graph.add("Exp", graph.add("Sub", scores, highest)), layer.mask, 0.0)
    outputs = _masked(graph, layer.outputs, layer.mask, 0.0)
    return graph.add(
        "Div",
        _sum_over_time(graph, graph.add("Mul", shares, outputs)),
        _sum_over_time(graph, shares),
    )


def _float_rows(graph: GraphBuilder, table: str, ids: str) -> str:
    """The rows of a table <float32>[rows, columns]: [..., columns]."""
    return graph.add("Gather", graph.weight(table), ids)


def _whole_rows(graph: GraphBuilder, table: str, ids: str) -> str:
    """The rows of a table of WHOLE, times its scales: one for each row, or each column."""
    rows = graph.add("Cast", graph.add("Gather", graph.weight(table), ids), to=FLOAT)
    scales = graph.weight(f"{table}.scale")
    if WHOLE[table].axis:
        scales = graph.add("Gather", scales, ids)
    return graph.add("Mul", rows, scales)


TABLES = {"float32": _float_rows, "int8": _whole_rows}
POOLINGS = {"mean": _mean, "max": _max, "last": _last, "attention": _attention}
