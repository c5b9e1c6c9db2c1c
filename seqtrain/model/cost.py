"""How much arithmetic a model is, for an estimate before there is one. Needs no TensorFlow."""

from __future__ import annotations

from seqtrain.model.cells import CELLS


def recurrent_weights(cell: str, embedding_size: int, units: int, layers: int, bidirectional: bool) -> int:
    """How many weights the products at each token have: those of all kernels of the recurrent layers."""
    directions = 2 if bidirectional else 1
    gates = CELLS[cell].gates * units
    inputs = embedding_size + (layers - 1) * units * directions
    return directions * gates * (inputs + layers * units)
