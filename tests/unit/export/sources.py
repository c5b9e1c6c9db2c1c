"""What an exporter gets, for the small classifiers of `tests.onnx_models`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from seqtrain.export.source import Source
from tests.onnx_models import LABELS, TOKENIZER, VOCABULARY, random_weights
from tests.shapes import Shape


def source(shape: Shape, **replaced: object) -> Source:
    """Always the same for a shape, but for the fields replaced (`tokenizer=...`)."""
    weights = {name: weight.astype(np.float32) for name, weight in random_weights(shape).items()}
    model = {"weights": weights, "labels": LABELS, "tokens": VOCABULARY.tokens, "tokenizer": TOKENIZER}
    return Source(**{**asdict(shape), **model, **replaced})
