"""What tells one model file from another besides its numbers: the layout, and the arrays that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from seqtrain.inference.cells import CELLS, Array, Cell, onnx_arrays

WAYS = ("forward", "backward")


class Layout(NamedTuple):
    """cell: a key of CELLS. pooling: the keys of POOLINGS to concatenate. embedding: a key of TABLES."""

    cell: str
    units: int
    layers: int
    bidirectional: bool
    pooling: tuple[str, ...]
    embedding: str = "float32"

    @property
    def onnx_cell(self) -> Cell:
        return CELLS[self.cell]

    @property
    def ways(self) -> tuple[str, ...]:
        return WAYS if self.bidirectional else WAYS[:1]


def file_arrays(weights: Mapping[str, Array], layout: Layout) -> dict[str, Array]:
    """The arrays of a model file with a float32 embedding, by their names there.

    weights: Keras's layout under the names of `weights.safetensors`. KeyError for one that is missing, ValueError
    for one too many.
    """
    left = dict(weights)
    arrays = {"embedding": left.pop("embedding")}
    for layer in range(layout.layers):
        arrays |= _recurrent_arrays(left, layout, f"layer_{layer}")
    if "attention" in layout.pooling:
        arrays["attention.kernel"] = left.pop("attention.kernel").reshape(len(layout.ways), 1, -1)
    arrays |= {name: left.pop(name) for name in ("output.kernel", "output.bias")}
    if left:
        raise ValueError(f"the model described has no place for {', '.join(sorted(left))}")
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def _recurrent_arrays(left: dict[str, Array], layout: Layout, layer: str) -> dict[str, Array]:
    """Takes the weights of a layer: W, R and B, each with the directions first."""
    names = ("kernel", "recurrent_kernel", "bias")
    of_each_way = [
        onnx_arrays(layout.onnx_cell, *(left.pop(f"{layer}.{way}.{name}") for name in names))
        for way in layout.ways
    ]
    return {
        f"{layer}.{name}": np.stack(parts)
        for name, parts in zip("WRB", zip(*of_each_way, strict=True), strict=True)
    }


def array_type(name: str, layout: Layout) -> np.dtype[Any]:
    """Of an array of the model file."""
    return np.dtype(np.int8 if (name, layout.embedding) == ("embedding", "int8") else np.float32)


def array_shapes(layout: Layout, *, words: int, embedding: int, classes: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of the model file. words: of the vocabulary; embedding: numbers per word."""
    ways, units = len(layout.ways), layout.units
    gates, features = len(layout.onnx_cell.order) * units, ways * units
    shapes: dict[str, tuple[int, ...]] = {"embedding": (words, embedding)}
    if layout.embedding == "int8":
        shapes["embedding.scale"] = (words, 1)
    for layer in range(layout.layers):
        inputs = features if layer else embedding
        shapes |= {
            f"layer_{layer}.W": (ways, gates, inputs),
            f"layer_{layer}.R": (ways, gates, units),
            f"layer_{layer}.B": (ways, 2 * gates),
        }
    if "attention" in layout.pooling:
        shapes["attention.kernel"] = (ways, 1, units)
    return shapes | {"output.kernel": (len(layout.pooling) * features, classes), "output.bias": (classes,)}
