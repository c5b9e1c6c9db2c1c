"""Initial weights: a pure function of the architecture and the seed."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import tensorflow as tf

from seqtrain.model.classifier import Architecture

EMBEDDING_RANGE = 0.05


def initial_weights(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Name → float32 array for every weight, drawn the way Keras draws them.

    The embedding is uniform in ±0.05, kernels are Glorot uniform (Glorot & Bengio 2010, eq. 16), recurrent kernels
    orthogonal (Saxe et al. 2014), biases zero but for the LSTM's forget gate, which starts at one (Jozefowicz et
    al. 2015, §2.2). Each draw depends on (seed, name) alone.
    """
    return {
        name: _initial(name, shape, architecture, [seed, zlib.crc32(name.encode()) & 0x7FFFFFFF])
        for name, shape in architecture.weight_shapes().items()
    }


def _initial(name: str, shape: tuple[int, ...], architecture: Architecture, seed: list[int]) -> Any:
    if name == "embedding":
        return _uniform(shape, EMBEDDING_RANGE, seed)
    if name.endswith(".bias"):
        bias = np.zeros(shape, np.float32)
        if name.startswith("layer_") and architecture.cell == "lstm":
            bias[architecture.units : 2 * architecture.units] = 1.0
        return bias
    if name.endswith(".recurrent_kernel"):
        return _orthogonal(shape, seed)
    return _uniform(shape, math.sqrt(6.0 / sum(shape)), seed)


def _uniform(shape: tuple[int, ...], limit: float, seed: list[int]) -> Any:
    return tf.random.stateless_uniform(shape, seed, -limit, limit).numpy()


def _orthogonal(shape: tuple[int, ...], seed: list[int]) -> Any:
    """Orthonormal rows, [units, gates · units] with gates ≥ 1; signs fixed so that the draw is uniform."""
    q, r = tf.linalg.qr(tf.random.stateless_normal(shape[::-1], seed))
    return tf.transpose(q * tf.sign(tf.linalg.diag_part(r))).numpy()
