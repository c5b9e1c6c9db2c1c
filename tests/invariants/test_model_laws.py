"""What must stay true of the TensorFlow model, for every cell and pooling, and the faults that these laws catch."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import tensorflow as tf

from seqtrain.model import classifier, masking, pooling, recurrence
from tests import oracles
from tests.models import LENGTHS, SIZES, Sample
from tests.shapes import SHAPES, Shape

VALUE_TOLERANCE = 2e-6  # float32 against a float64 oracle, logits of size one
GRADIENT_TOLERANCE = 5e-6  # the same, and central differences with a step of 1e-6
BATCH_TOLERANCE = 1e-6  # another batch size may pick another blocking of a matrix product

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def agrees_with_the_oracle(shape: Shape) -> None:
    sample = Sample(shape)
    expected = [oracles.classifier(sample.weights, text, **asdict(shape)) for text in sample.texts()]
    np.testing.assert_allclose(
        sample.logits(sample.token_ids, sample.lengths), expected, atol=VALUE_TOLERANCE, rtol=0
    )


def gradients_agree_with_the_oracle(shape: Shape) -> None:
    sample = Sample(shape)

    def loss() -> float:
        return oracles.batch_loss(
            sample.weights, sample.texts(), sample.labels, sample.example_weights, **asdict(shape)
        )

    for name, gradient in sample.gradients().items():
        expected = oracles.numeric_gradient(loss, sample.weights[name])
        np.testing.assert_allclose(gradient, expected, atol=GRADIENT_TOLERANCE, rtol=0, err_msg=name)


def ignores_padding(shape: Shape) -> None:
    sample = Sample(shape)
    expected = sample.logits(sample.token_ids, sample.lengths)
    for amount, content in [(0, 7), (1, 0), (1, 7), (30, 7)]:
        padded = np.pad(sample.token_ids, [(0, 0), (0, amount)])
        outside = np.arange(padded.shape[1]) >= sample.lengths[:, np.newaxis]
        np.testing.assert_array_equal(
            sample.logits(np.where(outside, content, padded), sample.lengths), expected
        )


def ignores_batch_mates(shape: Shape) -> None:
    sample = Sample(shape)
    together = sample.logits(sample.token_ids, sample.lengths)
    alone = [sample.logits(text[np.newaxis], np.array([len(text)], np.int32))[0] for text in sample.texts()]
    reversed_order = sample.logits(sample.token_ids[::-1], sample.lengths[::-1])[::-1]
    np.testing.assert_allclose(alone, together, atol=BATCH_TOLERANCE, rtol=0)
    np.testing.assert_allclose(reversed_order, together, atol=BATCH_TOLERANCE, rtol=0)


def padding_gets_no_gradient(shape: Shape) -> None:
    sample = Sample(shape)
    gradients = sample.gradients()
    np.testing.assert_array_equal(gradients["embedding"][0], 0.0)
    more = sample.gradients(np.pad(sample.token_ids, [(0, 0), (0, 5)], constant_values=3))
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(more[name], gradient, err_msg=name)


def reversal_mirrors(shape: Shape) -> None:
    """With its directions' weights exchanged, the model reads the reversed texts as it read the texts."""
    sample, mirrored = Sample(shape), Sample(shape)
    for name, weight in sample.weights.items():
        other = name.replace("forward", "*").replace("backward", "forward").replace("*", "backward")
        mirrored.weights[other] = weight
    half = SIZES["units"]
    output = sample.weights["output.kernel"].reshape(-1, 2, half, SIZES["classes"])
    mirrored.weights["output.kernel"] = output[:, ::-1].reshape(sample.weights["output.kernel"].shape)
    if "attention.kernel" in sample.weights:
        mirrored.weights["attention.kernel"] = np.roll(sample.weights["attention.kernel"], half, axis=0)
    backwards = np.zeros_like(sample.token_ids)
    for row, text in zip(backwards, sample.texts(), strict=True):
        row[: len(text)] = text[::-1]
    np.testing.assert_allclose(
        mirrored.logits(backwards, sample.lengths),
        sample.logits(sample.token_ids, sample.lengths),
        atol=BATCH_TOLERANCE,
        rtol=0,
    )


def every_weight_gets_gradient(shape: Shape) -> None:
    for name, gradient in Sample(shape).gradients().items():
        assert np.abs(gradient).max() > 1e-6, name


LAWS = [
    agrees_with_the_oracle,
    gradients_agree_with_the_oracle,
    ignores_padding,
    ignores_batch_mates,
    padding_gets_no_gradient,
    every_weight_gets_gradient,
]


@shapes
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law, shape):
    law(shape)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.bidirectional and s.layers == 1], ids=str)
def test_reversed_input_mirrors_the_bidirectional_model(shape):
    reversal_mirrors(shape)


@shapes
def test_a_poisoned_padding_row_reaches_nothing(shape):
    sample = Sample(shape)
    expected, gradients = sample.logits(sample.token_ids, sample.lengths), sample.gradients()
    sample.weights["embedding"][0] = np.inf
    np.testing.assert_array_equal(sample.logits(sample.token_ids, sample.lengths), expected)
    for name, gradient in sample.gradients().items():
        np.testing.assert_array_equal(gradient, gradients[name], err_msg=name)


# Planted faults: each is a mistake seen in the field, and each must turn a law red.


def _replace_pooling(monkeypatch, name, pool):
    monkeypatch.setitem(pooling.POOLINGS, name, replace(pooling.POOLINGS[name], pool=pool))


def _scan_with(monkeypatch, fault):
    """The recurrence gets other arguments: fault(lengths, time, reverse) → (lengths, reverse)."""

    def scan(cell, directions, indices, lengths, *, memory):
        time = tf.shape(indices)[0]
        outputs = []
        for direction in directions:
            changed, reverse = fault(lengths, time, direction.reverse)
            outputs += recurrence.scan(
                cell, [replace(direction, reverse=reverse)], indices, changed, memory=recurrence.Memory()
            )
        return outputs

    monkeypatch.setattr(classifier, "scan", scan)


def _everywhere(lengths, time):
    return tf.fill(tf.shape(lengths), time)


def mask_all_true(monkeypatch):
    monkeypatch.setattr(
        pooling, "length_mask", lambda lengths, time: tf.fill([time, tf.shape(lengths)[0]], True)
    )


def lengths_off_by_one(monkeypatch):
    _scan_with(monkeypatch, lambda lengths, time, reverse: (tf.maximum(lengths - 1, 1), reverse))


def mask_off_by_one(monkeypatch):
    monkeypatch.setattr(
        pooling, "length_mask", lambda lengths, time: masking.length_mask(tf.maximum(lengths - 1, 1), time)
    )


def mean_over_padded_time(monkeypatch):
    def mean(outputs, lengths, kernel):
        return tf.concat([tf.reduce_mean(direction, axis=0) for direction in outputs], axis=1)

    _replace_pooling(monkeypatch, "mean", mean)


def max_over_zeros(monkeypatch):
    def maximum(outputs, lengths, kernel):
        return tf.concat([tf.reduce_max(direction, axis=0) for direction in outputs], axis=1)

    _replace_pooling(monkeypatch, "max", maximum)


def last_of_the_padded_row(monkeypatch):
    def last(outputs, lengths, kernel):
        return tf.concat([outputs[0][-1], outputs[1][0]], axis=1)

    _replace_pooling(monkeypatch, "last", last)


def attention_over_padding(monkeypatch):
    def attention(outputs, lengths, kernel):
        joined = tf.concat(outputs, axis=2)
        scores = tf.tensordot(tf.tanh(joined), kernel, axes=1)
        return tf.reduce_sum(joined * tf.nn.softmax(scores, axis=0), axis=0)

    _replace_pooling(monkeypatch, "attention", attention)


def no_reversal(monkeypatch):
    _scan_with(monkeypatch, lambda lengths, time, reverse: (lengths, False))


def reversal_of_the_padded_row(monkeypatch):
    """The backward direction starts at the end of the longest text and reads padding first."""
    _scan_with(
        monkeypatch,
        lambda lengths, time, reverse: (_everywhere(lengths, time) if reverse else lengths, reverse),
    )


def inputs_masked_by_product_and_outputs_left_running(monkeypatch):
    """Padded inputs are zero, but the biases still drive the recurrence and its outputs are used."""
    _scan_with(monkeypatch, lambda lengths, time, reverse: (_everywhere(lengths, time), reverse))


def padding_read_as_a_word(monkeypatch):
    """The row of <pad> is looked up like any other and no step is masked."""
    monkeypatch.setattr(
        classifier.Classifier, "embed", lambda self, ids: tf.gather(self.weights["embedding"], ids)
    )
    inputs_masked_by_product_and_outputs_left_running(monkeypatch)


def mask_guessed_from_zero_values(monkeypatch):
    """Steps whose outputs are all small are taken for padding, as if values could tell."""
    real = pooling.POOLINGS["mean"].pool

    def mean(outputs, lengths, kernel):
        guessed = [
            tf.where(tf.reduce_any(values > 0.1, axis=2, keepdims=True), values, 0.0) for values in outputs
        ]
        return real(guessed, lengths, kernel)

    _replace_pooling(monkeypatch, "mean", mean)


FAULTS = [
    (mask_all_true, Shape(pooling=("max",)), agrees_with_the_oracle),
    (lengths_off_by_one, Shape(), agrees_with_the_oracle),
    (mask_off_by_one, Shape(pooling=("max",)), agrees_with_the_oracle),
    (mean_over_padded_time, Shape(), agrees_with_the_oracle),
    (mean_over_padded_time, Shape(), ignores_batch_mates),
    (max_over_zeros, Shape(pooling=("max",)), agrees_with_the_oracle),
    (last_of_the_padded_row, Shape(pooling=("last",)), agrees_with_the_oracle),
    (attention_over_padding, Shape(pooling=("attention",)), ignores_batch_mates),
    (no_reversal, Shape(), reversal_mirrors),
    (no_reversal, Shape(pooling=("last",)), agrees_with_the_oracle),
    (reversal_of_the_padded_row, Shape(), agrees_with_the_oracle),
    (reversal_of_the_padded_row, Shape(), ignores_batch_mates),
    (inputs_masked_by_product_and_outputs_left_running, Shape(), agrees_with_the_oracle),
    (padding_read_as_a_word, Shape(), padding_gets_no_gradient),
    (mask_guessed_from_zero_values, Shape(), agrees_with_the_oracle),
]


@pytest.mark.parametrize(
    ("fault", "shape", "law"), FAULTS, ids=[f"{f.__name__}-{s}-{law.__name__}" for f, s, law in FAULTS]
)
def test_a_planted_fault_turns_its_law_red(fault, shape, law, monkeypatch):
    law(shape)
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        law(shape)


def test_the_batch_holds_every_kind_of_row():
    assert LENGTHS[0] == 1
    assert 1 < LENGTHS[1] < LENGTHS[2] == Sample().token_ids.shape[1]
