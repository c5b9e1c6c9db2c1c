"""What an exporter gets, for the small classifiers of `tests.onnx_models`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from seqtrain.export.source import Source
from seqtrain.text.ngrams import Ngrams
from tests.onnx_models import LABELS, TOKENIZER, VOCABULARY, random_weights
from tests.shapes import Shape


def source(
    shape: Shape, ngrams: Ngrams | None = None, classes: int = len(LABELS), **replaced: object
) -> Source:
    """Always the same for a shape, but for the fields replaced (`tokenizer=...`); as `onnx_models.model_bytes`."""
    weights = random_weights(shape, ngrams, classes)
    model = {
        "weights": {name: weight.astype(np.float32) for name, weight in weights.items()},
        "labels": LABELS[::2] if classes == 2 else LABELS,
        "tokens": VOCABULARY.tokens,
        "tokenizer": TOKENIZER,
        "ngrams": ngrams,
    }
    return Source(**{**asdict(shape), **model, **replaced})
