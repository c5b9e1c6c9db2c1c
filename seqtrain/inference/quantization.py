"""A model with a smaller embedding: whole numbers of eight bits, and a scale for each word.

What is quantized is the table alone, once and for all. The answer for a text so depends on that text alone, as before;
scales that are taken from what runs through a model ("dynamic quantization") would depend on the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from seqtrain.inference.cells import Array
from seqtrain.inference.graph import build_graph
from seqtrain.inference.model_file import ModelFile, read_model
from seqtrain.inference.writer import to_bytes

LARGEST = 127  # of the whole numbers, so that a row and its negative lose the same


def quantize_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A table <float32>[rows, columns] → <int8>[rows, columns] and scales <float32>[rows, 1]; their product is near it.

    No number is off by more than half of its row's scale, which is the row's largest number / 127. Symmetric, a scale
    per row: Jacob et al. 2018, §2.1, with zero point 0.
    """
    scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(LARGEST)
    scales = np.where(scales > 0, scales, np.float32(1))
    return np.clip(np.rint(table / scales), -LARGEST, LARGEST).astype(np.int8), scales


def quantized(model: bytes, origin: str) -> bytes:
    """The same model with its embedding in int8. Raises RunError, naming the origin, if it is none of seqtrain's."""
    file = read_model(model, origin)
    rows, scales = quantize_rows(file.arrays["embedding"])
    return _rebuilt(file, "int8", {"embedding": rows, "embedding.scale": scales})


def rounded(model: bytes, origin: str) -> bytes:
    """The same model with the numbers that `quantized` leaves of its embedding, in float32: what that has to answer."""
    file = read_model(model, origin)
    rows, scales = quantize_rows(file.arrays["embedding"])
    return _rebuilt(file, "float32", {"embedding": rows * scales})


def _rebuilt(file: ModelFile, embedding: str, arrays: Mapping[str, Array]) -> bytes:
    return to_bytes(
        build_graph(file.layout._replace(embedding=embedding)),
        {**file.arrays, **arrays},
        classes=file.classes,
        metadata={key: value.decode() for key, value in file.metadata.items()},
    )
