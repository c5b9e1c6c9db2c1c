"""The laws for trained weights: they hold for every model, and planted faults break them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf

from seqtrain.inference.predictor import Predictor
from seqtrain.model import classifier, pooling
from seqtrain.model.classifier import Architecture, Classifier
from seqtrain.text.vocabulary import UNK
from seqtrain.verification import engine
from seqtrain.verification.laws import Outcome, Subject
from seqtrain.verification.sample import Sample
from tests.invariants import test_model_laws as training_faults
from tests.invariants import test_onnx_laws as graph_faults
from tests.onnx_models import NGRAMS, SIZES, model_bytes, random_weights
from tests.shapes import SHAPES, Shape

WORDS = SIZES["vocabulary"]


def architecture(shape: Shape, classes: int = SIZES["classes"]) -> Architecture:
    return Architecture(WORDS, classes, SIZES["embedding"], units=SIZES["units"], **asdict(shape))


def found(shape: Shape, model: bytes | None = None, **wide: Any) -> dict[str, Outcome]:
    """The outcomes for the weights of a shape and, in place of the model made of them, maybe another one."""
    random = np.random.RandomState(1)
    # No text has the last word: padding is filled with it.
    texts = [random.randint(1, WORDS - 1, length).astype(np.int32) for length in [1, 4, 9, 2, 12] * 8]
    texts.append(np.array([UNK], np.int32))
    sample = Sample(texts, [f"a.tsv:{line}" for line in range(len(texts))])
    predictor = Predictor(model or model_bytes(shape, **wide), strict=False)
    subject = Subject(predictor.run, sample, predictor.labels, WORDS)
    weights = random_weights(shape, **wide)
    network = Classifier(architecture(shape, len(predictor.labels)), weights)
    trained = engine.TrainedClassifier(network, weights, wide.get("ngrams"))
    return {outcome.law.name: outcome for outcome in engine.outcomes(trained, subject)}


def broken(outcomes: dict[str, Outcome]) -> set[str]:
    return {name for name, outcome in outcomes.items() if not outcome.holds}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_hold_for_a_right_model(shape):
    outcomes = found(shape)
    assert list(outcomes) == ["engines", "padding_gradient", "gradients"]
    assert broken(outcomes) == set()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("longest", "buckets"), [(1, 0), (3, 20)])
def test_they_hold_with_a_wide_path(classes, longest, buckets):
    ngrams = NGRAMS._replace(longest=longest, buckets=buckets)
    assert broken(found(Shape("rnn"), ngrams=ngrams, classes=classes)) == set()


@pytest.mark.parametrize(
    "fault",
    [
        graph_faults.network_not_scaled,
        graph_faults.wide_path_not_scaled,
        graph_faults.ngrams_over_the_cut,
        graph_faults.start_forgotten,
        graph_faults.start_is_zero,
        graph_faults.unknown_words_counted,
        graph_faults.ngrams_counted_as_often_as_they_occur,
        graph_faults.hashed_in_32_bits,
    ],
)
def test_tensorflow_sees_a_faulty_wide_path(fault):
    model = onnx.load_from_string(model_bytes(Shape("rnn"), ngrams=NGRAMS))
    fault(model)
    assert broken(found(Shape("rnn"), model.SerializeToString(), ngrams=NGRAMS)) == {"engines"}


UNSEEN = (
    (graph_faults.lengths_too_short_by_one, Shape()),
    (graph_faults.reset_before_the_product, Shape("gru")),
    (graph_faults.lstm_gates_in_keras_order, Shape()),
    (graph_faults.directions_exchanged, Shape("rnn")),
)


@pytest.mark.parametrize(("fault", "shape"), UNSEEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_tensorflow_sees_what_the_model_file_alone_does_not_show(fault, shape):
    model = onnx.load_from_string(model_bytes(shape))
    fault(model)
    outcomes = found(shape, model.SerializeToString())
    assert broken(outcomes) == {"engines"}
    assert outcomes["engines"].where.startswith("a.tsv:")


def test_a_small_difference_of_the_engines_is_none():
    weights = random_weights(Shape())
    nudge = np.array([0.0, 0.0, 2e-6])
    model = model_bytes(Shape(), **{"output.bias": weights["output.bias"] + nudge})
    assert broken(found(Shape(), model)) == set()
    model = model_bytes(Shape(), **{"output.bias": weights["output.bias"] + 100 * nudge})
    assert broken(found(Shape(), model)) == {"engines"}


def columns_kept(monkeypatch):
    """Padding stays as long as it came, and is read as the words that stand there."""

    def distinct(token_ids, lengths):
        ids, indices = tf.unique(tf.concat([[0], tf.reshape(token_ids, [-1])], axis=0))
        return ids, tf.reshape(indices[1:], tf.shape(token_ids))

    monkeypatch.setattr(classifier, "distinct", distinct)


def padding_is_summed_up(monkeypatch):
    """The rows of whatever stands in padding add to the loss."""
    columns_kept(monkeypatch)
    training_faults.inputs_masked_by_product_and_outputs_left_running(monkeypatch)


def mean_over_all_columns(monkeypatch):
    columns_kept(monkeypatch)
    training_faults.mean_over_padded_time(monkeypatch)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (training_faults.mean_over_padded_time, {"engines"}),
        (training_faults.padding_read_as_a_word, {"engines", "padding_gradient"}),
        (columns_kept, {"gradients"}),  # nothing reads them, but sums are made in another order
        (mean_over_all_columns, {"engines", "gradients"}),
        (padding_is_summed_up, {"engines", "padding_gradient", "gradients"}),
    ],
)
def test_planted_faults_break_laws(fault, expected, monkeypatch):
    fault(monkeypatch)
    assert broken(found(Shape())) == expected


def test_nan_is_no_agreement(monkeypatch):
    def mean(outputs, lengths, kernel):
        return pooling.mean(outputs, lengths * 0)

    monkeypatch.setitem(pooling.POOLINGS, "mean", replace(pooling.POOLINGS["mean"], pool=mean))
    assert broken(found(Shape())) == {"engines", "gradients"}
