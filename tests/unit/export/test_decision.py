"""Exports decide by the threshold of a model as the model does."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
import tensorflow as tf

from seqtrain.evaluation.decision import decided
from seqtrain.export import fresh
from seqtrain.export.reload.exchange import answer
from seqtrain.export.saved_model import Served
from seqtrain.inference.metadata import Decision
from seqtrain.inference.predictor import Predictor
from tests.decided_models import LABELS, OF_POS, TEXTS, THRESHOLD, decided_model
from tests.onnx_models import random_weights
from tests.shapes import Shape
from tests.unit.export.sources import source

DECISION = Decision(THRESHOLD, "f1", "pos")
EXPECTED = ["pos" if probability >= THRESHOLD else "neg" for probability in OF_POS]


def test_the_label_of_a_saved_model():
    weights = {name: weight.astype(np.float32) for name, weight in random_weights(Shape()).items()}
    weights |= {name: weights[name][..., :2] for name in ("output.kernel", "output.bias")}
    for decision, expected in [(DECISION, EXPECTED), (None, ["pos"] * len(TEXTS))]:
        served = Served(source(Shape(), weights=weights, labels=LABELS, decision=decision))
        found = [label.decode() for label in served.answer(tf.constant(TEXTS))["label"].numpy()]
        assert found == expected
    assert served.answer(tf.constant([], tf.string))["label"].shape == (0,)


def test_a_saved_model_compares_doubles_too():
    served = Served(source(Shape(), labels=LABELS, decision=DECISION._replace(threshold=0.7)))
    just_below = tf.constant([[0.3, 0.7], [0.25, 0.75]], tf.float32)
    assert served._decided(just_below).numpy().tolist() == decided(just_below.numpy(), 0.7).tolist() == [0, 1]


def test_a_bare_model_file_in_a_fresh_process(tmp_path):
    (tmp_path / "model.onnx").write_bytes(decided_model(THRESHOLD))
    found = fresh.answers("onnx_file", tmp_path / "model.onnx", [[text.encode() for text in TEXTS]])
    assert found.labels == EXPECTED


@pytest.mark.parametrize(("threshold", "expected"), [(None, ["pos", "pos"]), (0.75, ["neg", "pos"])])
def test_what_the_scripts_share(monkeypatch, capsys, threshold, expected):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'[["a", "b"]]')))
    probabilities = np.array([[0.375, 0.625], [0.125, 0.875]], np.float32)
    answer(lambda text: [1], lambda token_ids, lengths: probabilities, LABELS, threshold)
    assert json.loads(capsys.readouterr().out)["labels"] == expected


def test_there_is_something_to_decide():
    assert len(set(EXPECTED)) == 2
    assert Predictor(decided_model(THRESHOLD), threads=1).threshold == THRESHOLD
