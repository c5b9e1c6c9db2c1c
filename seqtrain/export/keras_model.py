"""The model as a stock Keras model: standard layers, nothing to register, for whoever goes on with it in Keras.

It takes token ids. What makes ids of a text lies beside it, in files that any program can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.errors import UsageError
from seqtrain.export.keras_wide import wide_sum
from seqtrain.export.source import Source
from seqtrain.text.tokenizer import word_rule

CELLS = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}
"""Layers whose defaults are the arithmetic of `model.cells`, gates and layout of the weights included."""

INEXPRESSIBLE = {
    "max": "GlobalMaxPooling1D ignores masks and would count padding",
    "attention": "none of its layers of attention computes the same",
}


def refusal(source: Source) -> str:
    """Why Keras's standard layers cannot express the model; "" if they can."""
    reasons = [f"{name} ({why})" for name, why in INEXPRESSIBLE.items() if name in source.pooling]
    return f"Keras's standard layers cannot express the pooling {' and '.join(reasons)}" if reasons else ""


def write(source: Source, folder: Path) -> None:
    """Fills a folder with model.keras, vocabulary.txt, labels.txt, tokenizer.json and decision.json.

    The model takes token_ids <int32>[batch, time], at least one a row and padded on the right with 0, and answers with
    probabilities <float32>[batch, classes]. UsageError if it cannot be expressed.
    """
    if reason := refusal(source):
        raise UsageError(reason, hint="Export savedmodel or onnx, or train with model.pooling: [mean].")
    _model(source).save(folder / "model.keras")
    _write_lines(folder / "vocabulary.txt", source.tokens)
    _write_lines(folder / "labels.txt", source.labels)
    rule = {"rule": source.tokenizer.rule(), "word_rule": json.loads(word_rule())}
    _write_json(folder / "tokenizer.json", rule)
    _write_json(folder / "decision.json", source.decision and source.decision._asdict())


def _model(source: Source) -> Any:
    keras = _import_keras()
    token_ids = keras.Input([None], dtype="int32", name="token_ids")
    words, size = source.weights["embedding"].shape
    outputs = keras.layers.Embedding(words, size, mask_zero=True, name="embedding")(token_ids)
    for number in range(source.layers):
        outputs, *states = _layer(keras, source, number)(outputs)
    # A direction's states come together, and the first of them is its output after the last real step.
    ends = states[:: len(states) // len(source.directions)]
    pools = {
        "mean": lambda: keras.layers.GlobalAveragePooling1D(name="mean")(outputs),
        "last": lambda: _joined(keras, ends, "last"),
    }
    features = _joined(keras, [pools[name]() for name in source.pooling], "features")
    logits = keras.layers.Dense(len(source.labels), name="output")(features)
    if source.ngrams:
        columns = len(source.weights["wide.bias"])
        z = keras.layers.Dense(columns, name="wide_bias")(wide_sum(keras, source.ngrams, columns, token_ids))
        of_path = keras.ops.log_sigmoid(z) if columns > 1 else keras.ops.concatenate([-z / 2, z / 2], axis=1)
        logits += of_path * source.weights["wide.scale"].item()
    model = keras.Model(token_ids, keras.layers.Softmax(name="probabilities")(logits), name="seqtrain")
    for name, weights in _layer_weights(source).items():
        model.get_layer(name).set_weights(weights)
    return model


def _import_keras() -> Any:
    """Keras on TensorFlow, without a look at the user's keras.json, which may ask for another precision."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull}
    import keras

    return keras


def _layer(keras: Any, source: Source, number: int) -> Any:
    """A recurrent layer that answers with its outputs and its states after the last real step."""
    name = f"layer_{number}"
    units = source.weights[f"{name}.forward.recurrent_kernel"].shape[0]
    layer = getattr(keras.layers, CELLS[source.cell])
    one_way = layer(units, return_sequences=True, return_state=True, name=name)
    return keras.layers.Bidirectional(one_way, name=name) if source.bidirectional else one_way


def _joined(keras: Any, features: list[Any], name: str) -> Any:
    return keras.layers.Concatenate(name=name)(features) if len(features) > 1 else features[0]


def _layer_weights(source: Source) -> dict[str, list[NDArray[np.float32]]]:
    """By the name of the layer, in the order of Keras; the scale of the network is multiplied into its output."""
    weights = source.weights
    recurrent = {
        f"layer_{number}": [
            weights[f"layer_{number}.{direction}.{part}"]
            for direction in source.directions
            for part in ("kernel", "recurrent_kernel", "bias")
        ]
        for number in range(source.layers)
    }
    kernel, bias = (weights[f"output.{part}"] * weights["output.scale"] for part in ("kernel", "bias"))
    if source.ngrams is None:
        return {"embedding": [weights["embedding"]], **recurrent, "output": [kernel, bias]}
    z = weights["wide.bias"]
    adds = [np.eye(len(z), dtype=np.float32), z]  # a dense layer that does no more than add the bias
    wide = {"wide": [weights["wide.table"]], "wide_bias": adds}
    return {"embedding": [weights["embedding"]], **recurrent, "output": [kernel, bias], **wide}


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
