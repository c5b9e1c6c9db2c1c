"""Small ONNX classifiers with random weights. No TensorFlow here, unlike in `models`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from seqtrain.data.reading import Reading
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_card, model_metadata
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import SPECIAL, Vocabulary
from tests import oracles
from tests.shapes import Shape

WORDS = ["a", "joy", "to", "watch", "not", "bad", "dull", "and", "long", "!"]
VOCABULARY = Vocabulary([*SPECIAL, *WORDS], [0] * (len(SPECIAL) + len(WORDS)))
TOKENIZER = Tokenizer("word", lowercase=True, max_length=12, truncate="middle")
LABELS = ["neg", "neutral", "pos"]
CARD = model_card(["0" * 64], {"dev": {"accuracy": 0.75}})
METADATA = model_metadata(LABELS, VOCABULARY, TOKENIZER, CARD)
TWO_METADATA = model_metadata(LABELS[::2], VOCABULARY, TOKENIZER, CARD)
# So few buckets that n-grams of the same text share some.
NGRAMS = Ngrams(3, len(VOCABULARY), buckets=20, cut_length=TOKENIZER.max_length, cut=TOKENIZER.cut)
SIZES = {"vocabulary": len(VOCABULARY), "embedding": 5, "units": 4, "classes": len(LABELS)}


def random_weights(
    shape: Shape, ngrams: Ngrams | None = None, classes: int = len(LABELS)
) -> dict[str, np.ndarray]:
    """Float64 weights, always the same ones for a shape; with ngrams those of a wide path too."""
    weights = oracles.random_weights(0, **{**SIZES, "classes": classes}, **asdict(shape))
    if ngrams:
        weights |= oracles.random_wide_weights(1, features=ngrams.features, classes=classes)
    return weights | {"output.scale": np.array([0.7])}


def oracle_logits(
    shape: Shape,
    texts: list[np.ndarray],
    ngrams: Ngrams | None = None,
    classes: int = len(LABELS),
    oracle: Callable[..., np.ndarray] = oracles.model,
) -> np.ndarray:
    """Float64 logits [texts, classes] of the model of `random_weights`; oracle: or what it would say uncalibrated."""
    weights = random_weights(shape, ngrams, classes)
    numbers = ngrams._asdict() if ngrams else None
    return np.stack([oracle(weights, text, numbers, **asdict(shape)) for text in texts])


def model_bytes(
    shape: Shape,
    metadata: dict[str, str] | None = None,
    ngrams: Ngrams | None = None,
    classes: int = len(LABELS),
    **replaced: np.ndarray,
) -> bytes:
    """The ONNX model of `random_weights`, some of them replaced (`embedding=...`); classes: three or two."""
    if metadata is None:
        metadata = TWO_METADATA if classes == 2 else METADATA
    weights = {**random_weights(shape, ngrams, classes), **replaced}
    return build_onnx(weights, **asdict(shape), metadata=metadata, ngrams=ngrams)


def write_model(run: Path, model: bytes, **info: object) -> None:
    """As much of a finished run as a prediction needs: the model, and its sha256 in run.json."""
    files = {"model.onnx": hashlib.sha256(model).hexdigest()}
    run.mkdir(parents=True, exist_ok=True)
    (run / "model.onnx").write_bytes(model)
    reading = Reading(None, max_line_bytes=1 << 20).facts()
    described = {"status": "finished", "reading": reading, **info, "files": files}
    (run / "run.json").write_text(json.dumps(described))
