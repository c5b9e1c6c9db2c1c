"""The shapes of model that the laws are tried on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What models may differ in; the arguments of the oracle, of `build_onnx` and of an architecture."""

    cell: str = "lstm"
    pooling: tuple[str, ...] = ("mean",)
    bidirectional: bool = True
    layers: int = 1

    def __str__(self) -> str:
        direction = "both" if self.bidirectional else "forward"
        return f"{self.cell}-{'+'.join(self.pooling)}-{direction}-{self.layers}"


CELLS = ("lstm", "gru", "rnn")
POOLINGS = ("mean", "max", "last", "attention")
SHAPES = [
    *(Shape(cell, (pooling,)) for cell in CELLS for pooling in POOLINGS),
    *(Shape(cell, POOLINGS, bidirectional, 2) for cell in CELLS for bidirectional in (True, False)),
]
