"""The weights counted without TensorFlow are those of the model."""

from __future__ import annotations

import math

import pytest

from seqtrain.model.cells import CELLS
from seqtrain.model.classifier import Architecture
from seqtrain.model.cost import recurrent_weights


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_weights_are_those_of_the_kernels(cell: str, layers: int, bidirectional: bool) -> None:
    shapes = Architecture(50, 3, 5, cell, 7, layers, bidirectional).weight_shapes()
    kernels = [
        shape for name, shape in shapes.items() if name.startswith("layer_") and name.endswith("kernel")
    ]
    expected = sum(map(math.prod, kernels))
    assert recurrent_weights(cell, 5, 7, layers, bidirectional) == expected
