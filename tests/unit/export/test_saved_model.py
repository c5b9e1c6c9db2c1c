"""The SavedModel as a stranger meets it: moved away, opened by TensorFlow alone, asked with strings."""

from __future__ import annotations

import io
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from seqtrain.export import fresh
from seqtrain.export.saved_model import Served, write
from seqtrain.inference.predictor import Predictor
from seqtrain.text.tokenizer import Tokenizer
from tests.onnx_models import LABELS, NGRAMS, WORDS, model_bytes
from tests.shapes import POOLINGS, Shape
from tests.unit.export.sources import source

SHAPE = Shape("gru", POOLINGS, layers=2)
ENGINE_TOLERANCE = 1e-5  # probabilities; another engine
COMPANY_TOLERANCE = 1e-6  # another batch may be blocked differently in a matrix product
NASTY = [
    b"",
    b" \t\r\n",
    b"joy",
    b"Not BAD and not dull! " * 40,
    "ЁЛКА 我喜欢 हिन्दी joy’s ﬁn ´a".encode(),
    "👩🏽‍💻 e\u0301 a\u200bjoy \u202emost\u202c".encode(),
    b"a\0joy\x1b[31m to",
    b"\xff\xfe bad \xed\xa0\x80 \xe2\x82 long \xf5",
    b"<pad> <unk>",
]
words = st.lists(st.sampled_from([*WORDS, "JOY", "<pad>", "´", "我", ""]), max_size=20).map(" ".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel that has been moved since it was written."""
    written, moved = (tmp_path_factory.mktemp(name) / "model" for name in ("written", "moved"))
    write(source(SHAPE, NGRAMS), written)
    return written.rename(moved)


@pytest.fixture(scope="module")
def serve(folder):
    return tf.saved_model.load(folder).signatures["serving_default"]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(model_bytes(SHAPE, ngrams=NGRAMS))


def decoded(texts: list[bytes]) -> list[str]:
    return [text.decode("utf-8", "replace") for text in texts]


def test_a_fresh_process_answers_like_the_onnx_model(folder, predictor):
    batches = [NASTY[:1], NASTY[1:4], NASTY[4:], NASTY[::-1]]
    found = fresh.answers("saved_model", folder, batches)
    expected = predictor.probabilities(decoded([text for batch in batches for text in batch]))
    np.testing.assert_allclose(found.probabilities, expected, atol=ENGINE_TOLERANCE, rtol=0)
    assert found.labels == [LABELS[column] for column in expected.argmax(axis=1)]


def test_a_reload_that_needed_the_package_is_no_proof(folder, monkeypatch, capsys):
    script = fresh.SCRIPTS / "saved_model.py"
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_USE_LEGACY_KERAS"):
        monkeypatch.setenv(name, "3")  # to be put back
    monkeypatch.setattr(sys, "argv", [str(script), str(folder)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'[["joy"]]')))
    with pytest.raises(SystemExit, match="seqtrain was imported"):
        runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out == ""


@settings(max_examples=30)
@given(texts=st.lists(words, min_size=1, max_size=9))
def test_any_batch_is_answered_like_by_the_onnx_model(serve, predictor, texts):
    expected = predictor.probabilities(texts)
    found = serve(text=tf.constant(texts))
    np.testing.assert_allclose(found["probabilities"], expected, atol=ENGINE_TOLERANCE, rtol=0)
    assert decoded(found["label"].numpy()) == [LABELS[column] for column in expected.argmax(axis=1)]
    assert [decoded(row) for row in found["labels"].numpy()] == [LABELS] * len(texts)


def test_batch_mates_change_nothing(serve):
    together = serve(text=tf.constant(NASTY))["probabilities"]
    alone = tf.concat([serve(text=tf.constant([text]))["probabilities"] for text in NASTY], axis=0)
    np.testing.assert_allclose(alone, together, atol=COMPANY_TOLERANCE, rtol=0)


def test_there_may_be_no_texts(serve):
    found = serve(text=tf.constant([], tf.string))
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {
        "label": (0,),
        "labels": (0, 3),
        "probabilities": (0, 3),
    }


def test_the_signature(serve):
    assert serve.structured_input_signature == ((), {"text": tf.TensorSpec([None], tf.string, name="text")})
    assert {name: (spec.dtype, spec.shape.rank) for name, spec in serve.structured_outputs.items()} == {
        "label": (tf.string, 1),
        "labels": (tf.string, 2),
        "probabilities": (tf.float32, 2),
    }


def test_nothing_of_the_package_and_no_python_is_inside(folder):
    assert [path for path in folder.rglob("*") if path.is_file() and b"seqtrain" in path.read_bytes()] == []
    (graph,) = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
    nodes = [*graph.graph_def.node]
    for function in graph.graph_def.library.function:
        nodes += function.node_def
    operators = {node.op for node in nodes}
    assert {"StaticRegexReplace", "LookupTableFindV2", "ReverseSequence"} <= operators  # all have been seen
    assert not {operator for operator in operators if "Py" in operator}


@pytest.mark.parametrize("kind", ["whitespace", "char"])
def test_one_graph_is_for_all_batches_whatever_the_tokenizer(predictor, kind):
    tokenizer = Tokenizer(kind, lowercase=False, max_length=4, truncate="tail")
    served = Served(source(SHAPE, NGRAMS, tokenizer=tokenizer))
    for texts in (NASTY, NASTY[:1], NASTY[3:5]):
        found = served.answer(tf.constant(texts))["probabilities"].numpy()
        for text, probabilities in zip(decoded(texts), found, strict=True):
            token_ids = np.array([predictor.vocabulary.encode(tokenizer(text))], np.int32)
            (expected,) = predictor.run(token_ids, np.array([token_ids.size], np.int32))
            np.testing.assert_allclose(probabilities, expected, atol=ENGINE_TOLERANCE, rtol=0)
    assert served.answer.experimental_get_tracing_count() == 1
