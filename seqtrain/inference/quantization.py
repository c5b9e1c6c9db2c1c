"""A model with smaller lookup tables: whole numbers, of eight bits in the embedding, and scales.

What is quantized are the tables alone, once and for all. The answer for a text so depends on that text alone, as
before; scales that are taken from what runs through a model ("dynamic quantization") would depend on the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.inference.cells import Array
from seqtrain.inference.graph import build_graph
from seqtrain.inference.layout import WHOLE, Whole
from seqtrain.inference.model_file import ModelFile, read_model
from seqtrain.inference.writer import to_bytes

LARGEST, LARGEST_16 = 127, 32_767  # of the whole numbers, so that a number and its negative lose the same


def quantize(table: NDArray[np.float32], whole: Whole) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """A table <float32>[rows, columns] → whole numbers [rows, columns] and scales <float32>; their product is near it.

    The numbers along the axis share a scale: 1 gives scales [rows, 1], 0 gives [1, columns]. No number is off by more
    than half of its scale, which is the largest of those that share it, by LARGEST. Symmetric: Jacob et al. 2018, §2.1,
    with zero point 0.
    """
    largest = LARGEST if whole.dtype == np.int8 else LARGEST_16
    scales = np.abs(table).max(axis=whole.axis, keepdims=True) / np.float32(largest)
    scales = np.where(scales > 0, scales, np.float32(1))
    return np.clip(np.rint(table / scales), -largest, largest).astype(whole.dtype), scales


def quantized(model: bytes, origin: str) -> bytes:
    """The same model with tables as WHOLE has them. Raises RunError, naming the origin, if it is none of seqtrain's."""
    file = read_model(model, origin)
    arrays: dict[str, Array] = {}
    for name, (numbers, scales) in _tables(file).items():
        arrays |= {name: numbers, f"{name}.scale": scales}
    return _rebuilt(file, "int8", arrays)


def rounded(model: bytes, origin: str) -> bytes:
    """The same model with the numbers that `quantized` leaves of its tables, in float32: what that has to answer."""
    file = read_model(model, origin)
    return _rebuilt(
        file, "float32", {name: numbers * scales for name, (numbers, scales) in _tables(file).items()}
    )


def _tables(file: ModelFile) -> dict[str, tuple[NDArray[Any], NDArray[np.float32]]]:
    """The lookup tables by name, quantized."""
    return {name: quantize(file.arrays[name], whole) for name, whole in WHOLE.items() if name in file.arrays}


def _rebuilt(file: ModelFile, tables: str, arrays: Mapping[str, Array]) -> bytes:
    return to_bytes(
        build_graph(file.layout._replace(tables=tables)),
        {**file.arrays, **arrays},
        classes=file.classes,
        metadata={key: value.decode() for key, value in file.metadata.items()},
    )
