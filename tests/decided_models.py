"""A small ONNX classifier of two labels, which decides by a threshold."""

from __future__ import annotations

import numpy as np

from seqtrain.inference.metadata import Decision, model_metadata
from seqtrain.inference.predictor import Predictor
from tests.onnx_models import CARD, TOKENIZER, VOCABULARY, model_bytes, random_weights
from tests.shapes import Shape

LABELS = ["neg", "pos"]
TEXTS = ["A joy to watch!", "not bad", "", "dull and long and dull", "¿?", "joy", "bad bad bad", "to watch"]


def decided_model(threshold: float | None) -> bytes:
    """Random weights, always the same ones; without a threshold it answers with the more probable label."""
    weights = random_weights(Shape())
    two_columns = {name: weights[name][..., :2] for name in ("output.kernel", "output.bias")}
    decision = None if threshold is None else Decision(threshold, "f1", "pos")
    metadata = model_metadata(LABELS, VOCABULARY, TOKENIZER, CARD, decision)
    return model_bytes(Shape(), metadata, **two_columns)


OF_POS = Predictor(decided_model(None), threads=1).probabilities(TEXTS)[:, 1]
THRESHOLD = float(np.median(OF_POS))
"""With it half of TEXTS get each label."""
