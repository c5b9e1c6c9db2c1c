"""What a model answers, made of what its parts say: the network's logits and the wide path's, each with a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.storage import Corpus
from seqtrain.evaluation.calibration import combined, fit_scales
from seqtrain.wide.path import WidePath

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """Fits the scales to dev, anew for each state of the network. wide: None where there is none."""

    dev: Corpus
    wide: WidePath | None

    def scales(self, network: Floats) -> Floats:
        """One for each part, as the model file has them; network <float32>[dev rows, classes]: its logits."""
        return fit_scales(self.dev_parts(network), self.dev.labels, self.dev.weights).astype(np.float32)

    def on_dev(self, network: Floats) -> Floats:
        """<float32>[dev rows, classes]: probabilities, with the scales that suit this network."""
        return combined(self.dev_parts(network), self.scales(network))

    @property
    def has_seen_dev(self) -> bool:
        """Whether a part of the model was fitted to dev, in the end."""
        return self.wide is not None and self.wide.dev_now is not self.wide.dev

    def dev_parts(self, network: Floats) -> list[Floats]:
        """The logits on dev, <float32>[dev rows, classes], of parts that were not fitted to it."""
        return [network, *([self.wide.dev] if self.wide else [])]

    def dev_parts_now(self, network: Floats) -> list[Floats]:
        """Those of the parts that the model has."""
        return [network, *([self.wide.dev_now] if self.wide else [])]

    def parts(self, network: Floats, texts: Sequence[Sequence[int]]) -> list[Floats]:
        """The logits for encoded texts; network: its own."""
        return [network, *([self.wide.logits(texts)] if self.wide else [])]

    def arrays(self, scales: Floats) -> dict[str, Floats]:
        """What a model holds besides the network's weights, by the names there."""
        own, *others = scales
        arrays = {"output.scale": np.array([own], np.float32)}
        return arrays | self.wide.arrays(*others) if self.wide else arrays
