"""The wide path of a model, in ONNX: the logits of a linear classifier over the n-grams of a text.

The n-grams are those of `seqtrain.text.ngrams`, made of the token ids in int64. They are sorted, so that equal ones
stand side by side and those that do not count come last: more padding changes neither which rows of the table are
added up nor in what order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from seqtrain.inference.builder import INT64, GraphBuilder
from seqtrain.inference.layout import Wide
from seqtrain.text.ngrams import MULTIPLIER, PRIME, START
from seqtrain.text.vocabulary import UNK

LAST = 2**63 - 1  # in place of an n-gram that does not count: sorted behind all others

Rows = Callable[[GraphBuilder, str, str], str]


def wide_logits(graph: GraphBuilder, wide: Wide, token_ids: str, steps: str, rows: Rows) -> str:
    """<float32>[batch, classes], not scaled; token_ids <int32>[time, batch], steps: the numbers of their positions.

    rows: see `graph.TABLES`.
    """
    features = graph.add("Concat", *_features(graph, wide.longest, token_ids, steps), axis=0)
    features = graph.add_sort(features, graph.add("Shape", features, end=1))
    counts = _first_of_equals(graph, features)
    found = rows(graph, "wide.table", graph.add("Where", counts, features, _int64(graph, 0)))
    found = graph.add("Where", graph.add("Unsqueeze", counts, graph.axes(2)), found, graph.store(0.0))
    total = graph.add("ReduceSum", found, graph.axes(0), keepdims=0)
    z = graph.add("Add", total, graph.weight("wide.bias"))
    if wide.single:
        return graph.add("Mul", z, graph.store([-0.5, 0.5]))
    return _log_sigmoid(graph, z)


def _log_sigmoid(graph: GraphBuilder, z: str) -> str:
    """log σ(z) = log(eᶻ / (eᶻ + e⁰)), a softmax of two: onnxruntime's Softplus rounds by the place in the batch."""
    pairs = graph.add("Unsqueeze", z, graph.axes(2))
    pairs = graph.add("Pad", pairs, graph.axes(0, 0, 0, 0, 0, 1), graph.store(0.0))
    return graph.add("Gather", graph.add("LogSoftmax", pairs, axis=2), _int64(graph, 0), axis=2)


def _features(graph: GraphBuilder, longest: int, token_ids: str, steps: str) -> Iterator[str]:
    """For n-grams of 1, 2, … tokens: the feature of the one that begins at each position, <int64>[1 + time, batch].

    The first position is that of START.
    """
    begins = graph.add("Pad", steps, graph.axes(1, 0), graph.store(-1, np.int32))
    begins = graph.add("Unsqueeze", begins, graph.axes(1))
    cut = _cut(graph)
    for length, (feature, known) in enumerate(_numbered(graph, longest, token_ids), start=1):
        counts = graph.add("And", known, _whole(graph, begins, length, cut))
        if length == 1:
            counts = graph.add("And", counts, graph.add("LessOrEqual", graph.store(0, np.int32), begins))
        yield graph.add("Where", counts, feature, _int64(graph, LAST))


def _numbered(graph: GraphBuilder, longest: int, token_ids: str) -> Iterator[tuple[str, str]]:
    """The features as if all n-grams counted, those that reach beyond the last position too; which have no <unk>."""
    ids = graph.add("Cast", token_ids, to=INT64)
    padded = graph.add("Pad", ids, graph.axes(1, 0, longest - 1, 0), _int64(graph, START))
    hashes, known = (_from(graph, values, 0, longest) for values in (padded, _is_known(graph, padded)))
    yield hashes, known
    if longest == 1:
        return
    words = graph.add("Shape", graph.weight("embedding"), end=1)
    buckets = graph.add("Sub", graph.add("Shape", graph.weight("wide.table"), end=1), words)
    for more in range(1, longest):
        last = _from(graph, padded, more, longest)
        product = graph.add("Mul", hashes, _int64(graph, MULTIPLIER))
        hashes = graph.add("Mod", graph.add("Add", product, last), _int64(graph, PRIME))
        known = graph.add("And", known, _is_known(graph, last))
        yield graph.add("Add", graph.add("Mod", hashes, buckets), words), known


def _from(graph: GraphBuilder, values: str, first: int, longest: int) -> str:
    """The values of padded positions from the first on, as many as there are without the padding at the end."""
    end = first + 1 - longest or LAST
    return graph.add("Slice", values, graph.axes(first), graph.axes(end), graph.axes(0))


def _is_known(graph: GraphBuilder, ids: str) -> str:
    return graph.add("Not", graph.add("Equal", ids, _int64(graph, UNK)))


def _cut(graph: GraphBuilder) -> str:
    """Where each text may have been cut, <int32>[batch]; −1 where it is too short or too long for that."""
    cut_length, cut = (
        graph.add("Gather", graph.weight("wide.cut"), _int64(graph, place)) for place in range(2)
    )
    return graph.add("Where", graph.add("Equal", "lengths", cut_length), cut, graph.store(-1, np.int32))


def _whole(graph: GraphBuilder, begins: str, length: int, cut: str) -> str:
    """Which n-grams of so many tokens are within the text, and before its cut or behind it: <bool>[1 + time, batch]."""
    ends = graph.add("Add", begins, graph.store(length, np.int32))
    before, behind = graph.add("LessOrEqual", ends, cut), graph.add("LessOrEqual", cut, begins)
    return graph.add("And", graph.add("LessOrEqual", ends, "lengths"), graph.add("Or", before, behind))


def _first_of_equals(graph: GraphBuilder, features: str) -> str:
    """<bool>[positions, batch]: which of the sorted features count, and are not the same as the one before."""
    shifted = graph.add("Pad", features, graph.axes(1, 0, 0, 0), _int64(graph, -1))
    before = graph.add("Slice", shifted, graph.axes(0), graph.axes(-1), graph.axes(0))
    return graph.add(
        "And", graph.add("Less", before, features), graph.add("Less", features, _int64(graph, LAST))
    )


def _int64(graph: GraphBuilder, number: int) -> str:
    return graph.store(number, np.int64)
