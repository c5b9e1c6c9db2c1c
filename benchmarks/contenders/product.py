"""The machine's own limit: how fast it multiplies two large float32 matrices on all cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


def prepare(way: str, sizes: Sequence[int]) -> Callable[[], dict[str, float]]:
    """way: of which library. A round's figures: size → GFLOP/s."""
    product = {"TensorFlow": _tensorflow, "PyTorch": _torch}[way]
    products = {size: product(size) for size in sizes}
    return lambda: {str(size): _speed(size, run) for size, run in products.items()}


def _speed(size: int, run: Callable[[], Any]) -> float:
    repeats = max(1, (4096 // size) ** 2)
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return 2e-9 * size**3 * repeats / (time.perf_counter() - start)


def _tensorflow(size: int) -> Callable[[], Any]:
    import tensorflow as tf

    left, right = (tf.random.stateless_normal([size, size], [seed, 0]) for seed in (1, 2))
    return lambda: tf.reduce_sum(tf.matmul(left, right)[0]).numpy()  # numpy waits for the result


def _torch(size: int) -> Callable[[], Any]:
    import torch

    left, right = torch.randn(2, size, size)
    return lambda: torch.matmul(left, right)
