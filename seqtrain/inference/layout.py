"""What tells one model file from another besides its numbers: the layout, and the arrays that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from seqtrain.inference.cells import CELLS, Array, Cell, onnx_arrays
from seqtrain.text.ngrams import Ngrams

WAYS = ("forward", "backward")
INT32_MAX = 2**31 - 1


class Whole(NamedTuple):
    """A lookup table of whole numbers: their type, and along which axis they share a scale."""

    dtype: np.dtype[Any]
    axis: int


WHOLE = {"embedding": Whole(np.dtype(np.int8), axis=1), "wide.table": Whole(np.dtype(np.int16), axis=0)}
"""The lookup tables with `int8`: a scale for each word, or for each column. Eight bits are too few for a column."""


class Wide(NamedTuple):
    """longest: of the n-grams, in tokens. single: whether its table has one column, which is for two classes."""

    longest: int
    single: bool


class Layout(NamedTuple):
    """cell: a key of CELLS. pooling: the keys of POOLINGS to concatenate. tables: a key of TABLES."""

    cell: str
    units: int
    layers: int
    bidirectional: bool
    pooling: tuple[str, ...]
    tables: str = "float32"
    wide: Wide | None = None

    @property
    def onnx_cell(self) -> Cell:
        return CELLS[self.cell]

    @property
    def ways(self) -> tuple[str, ...]:
        return WAYS if self.bidirectional else WAYS[:1]


def file_arrays(weights: Mapping[str, Array], layout: Layout) -> dict[str, Array]:
    """The arrays of a model file with float32 tables, by their names there.

    weights: Keras's layout under the names of `weights.safetensors`, and with a wide path `cut_array`. KeyError for one
    that is missing, ValueError for one too many.
    """
    left = dict(weights)
    arrays = {"embedding": left.pop("embedding")}
    for layer in range(layout.layers):
        arrays |= _recurrent_arrays(left, layout, f"layer_{layer}")
    if "attention" in layout.pooling:
        arrays["attention.kernel"] = left.pop("attention.kernel").reshape(len(layout.ways), 1, -1)
    arrays |= {name: left.pop(name) for name in ("output.kernel", "output.bias", "output.scale")}
    if layout.wide:
        arrays |= {name: left.pop(name) for name in ("wide.table", "wide.bias", "wide.scale", "wide.cut")}
    if left:
        raise ValueError(f"the model described has no place for {', '.join(sorted(left))}")
    return {name: np.asarray(array, array_type(name, layout)) for name, array in arrays.items()}


def cut_array(ngrams: Ngrams) -> Array:
    """`wide.cut` <int32>[2]: `cut_length` and `cut`. No text is as long as what int32 does not hold."""
    return np.array([min(number, INT32_MAX) for number in (ngrams.cut_length, ngrams.cut)], np.int32)


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
    if name == "wide.cut":
        return np.dtype(np.int32)
    return WHOLE[name].dtype if name in WHOLE and layout.tables == "int8" else np.dtype(np.float32)


def array_shapes(
    layout: Layout, *, words: int, embedding: int, classes: int, features: int = 0
) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of the model file.

    words: of the vocabulary; embedding: numbers per word; features: of the wide path, as `Ngrams` counts them.
    """
    ways, units = len(layout.ways), layout.units
    gates, width = len(layout.onnx_cell.order) * units, ways * units
    shapes: dict[str, tuple[int, ...]] = {"embedding": (words, embedding)}
    for layer in range(layout.layers):
        inputs = width if layer else embedding
        shapes |= {
            f"layer_{layer}.W": (ways, gates, inputs),
            f"layer_{layer}.R": (ways, gates, units),
            f"layer_{layer}.B": (ways, 2 * gates),
        }
    if "attention" in layout.pooling:
        shapes["attention.kernel"] = (ways, 1, units)
    shapes["output.kernel"] = (len(layout.pooling) * width, classes)
    shapes |= {"output.bias": (classes,), "output.scale": (1,)}
    columns = 1 if layout.wide and layout.wide.single else classes
    if layout.wide:
        shapes |= {
            "wide.table": (features, columns),
            "wide.bias": (columns,),
            "wide.scale": (1,),
            "wide.cut": (2,),
        }
    if layout.tables == "int8":
        shapes["embedding.scale"] = (words, 1)
        if layout.wide:
            shapes["wide.table.scale"] = (1, columns)
    return shapes
