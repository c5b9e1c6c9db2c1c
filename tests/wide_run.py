"""A finished run that gets a wide path of random numbers, as if it had been trained with one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.numpy
import yaml

from seqtrain.inference.graph import build_onnx
from seqtrain.inference.model_file import read_model
from seqtrain.run import Run
from seqtrain.run.tensors import write_tensors
from seqtrain.text.ngrams import Ngrams
from tests import oracles
from tests.shapes import Shape

BUCKETS = 500


def add_wide_path(folder: Path, longest: int = 2) -> None:
    """To a run of one LSTM layer in both directions with mean pooling, and two labels, whose texts may be cut."""
    run = Run(folder)
    config = yaml.safe_load(run.config_file.read_text())
    most = config["tokenizer"]["max_length"]
    config["model"]["wide"] = {"ngrams": longest}
    run.config_file.write_text(yaml.safe_dump(config))
    old = read_model(run.model_file.read_bytes(), "model.onnx")
    ngrams = Ngrams(longest, old.words, BUCKETS, most, most - most // 2)
    wide = oracles.random_wide_weights(0, features=ngrams.features, classes=2)
    weights = safetensors.numpy.load_file(run.weights_file)
    weights |= {name: array.astype(np.float32) for name, array in wide.items()}
    weights["output.scale"] = np.array([0.8], np.float32)
    metadata = {key: value.decode() for key, value in old.metadata.items()}
    run.model_file.write_bytes(build_onnx(weights, **asdict(Shape()), metadata=metadata, ngrams=ngrams))
    write_tensors(run.weights_file, weights)
    run.seal()
