"""Small ONNX classifiers with random weights. No TensorFlow here, unlike in `models`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from seqtrain.data.reading import Reading
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_card, model_metadata
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
SIZES = {"vocabulary": len(VOCABULARY), "embedding": 5, "units": 4, "classes": len(LABELS)}


def random_weights(shape: Shape) -> dict[str, np.ndarray]:
    """Float64 weights, always the same ones for a shape."""
    return oracles.random_weights(0, **SIZES, **asdict(shape))


def model_bytes(shape: Shape, metadata: dict[str, str] = METADATA, **replaced: np.ndarray) -> bytes:
    """The ONNX model of `random_weights`, some of them replaced (`embedding=...`)."""
    return build_onnx({**random_weights(shape), **replaced}, **asdict(shape), metadata=metadata)


def write_model(run: Path, model: bytes, **info: object) -> None:
    """As much of a finished run as a prediction needs: the model, and its sha256 in run.json."""
    files = {"model.onnx": hashlib.sha256(model).hexdigest()}
    run.mkdir(parents=True, exist_ok=True)
    (run / "model.onnx").write_bytes(model)
    reading = Reading(None, max_line_bytes=1 << 20).facts()
    described = {"status": "finished", "reading": reading, **info, "files": files}
    (run / "run.json").write_text(json.dumps(described))
