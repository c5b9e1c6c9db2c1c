"""The compiled steps: sums, weights, repeatability, traces, and what eight examples can teach."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seqtrain.model.classifier import Architecture, Classifier
from seqtrain.model.dropout import Dropout
from seqtrain.model.initialization import initial_weights
from seqtrain.training.optimizer import Adam
from seqtrain.training.step import batch_sums, logits_step, training_step
from tests import oracles
from tests.models import LENGTHS, Sample
from tests.shapes import SHAPES, Shape

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def build(sample, **settings):
    model = sample.model()
    optimizer = Adam(model.weights)
    settings = {"dropout": Dropout(), "clip_norm": None, "seed": 1, **settings}
    return model, optimizer, training_step(model, optimizer, **settings)


def run(step, sample, number=1, rate=0.01, weights=None, embedding_rate=None):
    weights = sample.example_weights if weights is None else weights
    embedding_rate = rate if embedding_rate is None else embedding_rate
    return step(sample.token_ids, sample.lengths, sample.labels, weights, number, rate, embedding_rate)


def test_sums_are_weighted_sums():
    sample = Sample()
    _, _, step = build(sample)
    sums = run(step, sample)
    losses = [
        oracles.softmax_cross_entropy(oracles.classifier(sample.weights, text, cell="lstm"), label)
        for text, label in zip(sample.texts(), sample.labels, strict=True)
    ]
    assert float(sums["loss_sum"]) == pytest.approx(np.dot(sample.example_weights, losses), abs=1e-5)
    assert float(sums["weight_sum"]) == pytest.approx(4.5)


def weight_two_is_two_examples():
    """Σ weight·loss / Σ weight: an example of weight 2 counts like the same example twice."""
    sample = Sample()
    doubled = [0, 0, 1, 2]
    weighted_model, _, step = build(sample)
    run(step, sample, weights=np.array([2.0, 1.0, 1.0], np.float32))
    repeated_model, _, step = build(sample)
    step(
        sample.token_ids[doubled],
        LENGTHS[doubled],
        sample.labels[doubled],
        np.ones(4, np.float32),
        1,
        0.01,
        0.01,
    )
    for name, weight in weighted_model.weights.items():
        np.testing.assert_allclose(
            weight.numpy(), repeated_model.weights[name].numpy(), atol=1e-4, err_msg=name
        )


def test_an_example_of_weight_two_is_two_examples():
    weight_two_is_two_examples()


def test_planted_fault_loss_divided_by_rows(monkeypatch):
    from seqtrain.training import step as module

    def unweighted(logits, labels, weights):
        return batch_sums(logits, labels, tf.ones_like(weights))

    monkeypatch.setattr(module, "batch_sums", unweighted)
    with pytest.raises(AssertionError):
        weight_two_is_two_examples()


def test_gradients_are_clipped_by_their_global_norm():
    sample = Sample()
    gradients = sample.gradients()
    norm = np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in gradients.values()))
    _, optimizer, step = build(sample, clip_norm=norm / 4)
    assert float(run(step, sample)["gradient_norm"]) == pytest.approx(norm, rel=1e-5)
    first_moment = optimizer.slots["mean.output.kernel"].numpy()
    np.testing.assert_allclose(first_moment, 0.1 * gradients["output.kernel"] / 4, atol=1e-6)


@shapes
def test_more_padding_changes_no_bit_of_a_training_step(shape):
    sample, padded = Sample(shape), Sample(shape)
    padded.token_ids = np.pad(sample.token_ids, [(0, 0), (0, 7)], constant_values=3)
    model, optimizer, step = build(sample, dropout=Dropout(words=0.5, features=0.3))
    variables = {**model.weights, **optimizer.slots}
    start = {name: variable.numpy().copy() for name, variable in variables.items()}
    ends = []
    for each in (sample, padded):
        for name, variable in variables.items():
            variable.assign(start[name])
        for number in (1, 2):
            run(step, each, number)
        ends.append({name: variable.numpy().copy() for name, variable in variables.items()})
    for name, end in ends[0].items():
        np.testing.assert_array_equal(end, ends[1][name], err_msg=name)
        assert not np.array_equal(end, start[name]), name


def test_the_padding_row_never_moves():
    sample = Sample()
    before = sample.weights["embedding"][0].astype(np.float32)
    model, _, step = build(sample)
    for number in range(1, 4):
        run(step, sample, number)
    np.testing.assert_array_equal(model.weights["embedding"][0].numpy(), before)


def test_a_frozen_embedding_stays_as_it_is_and_the_rest_learns():
    sample = Sample()
    before = {name: weight.astype(np.float32) for name, weight in sample.weights.items()}
    model, _, step = build(sample)
    run(step, sample, embedding_rate=0.0)
    for name, weight in model.weights.items():
        assert np.array_equal(weight.numpy(), before[name]) == (name == "embedding"), name
    run(step, sample, number=2)
    assert not np.array_equal(model.weights["embedding"].numpy(), before["embedding"])


def test_dropout_depends_on_seed_and_step_alone():
    sample = Sample()
    dropout = Dropout(words=0.5, features=0.3)

    def loss(seed, number):
        _, _, step = build(sample, dropout=dropout, seed=seed)
        return float(run(step, sample, number)["loss_sum"])

    assert loss(1, 1) == loss(1, 1)
    assert len({loss(1, 1), loss(1, 2), loss(2, 1)}) == 3


def test_one_graph_each_serves_batches_of_every_shape(monkeypatch):
    """The Python code of the model runs when a graph is traced, and never again."""
    traces, features = [], Classifier.features
    monkeypatch.setattr(
        Classifier, "features", lambda self, *inputs: traces.append(inputs) or features(self, *inputs)
    )
    sample = Sample()
    model, _, step = build(sample, dropout=Dropout(0.5, 0.3))
    logits = logits_step(model)
    for number, (rows, time) in enumerate([(3, 9), (2, 9), (1, 4), (3, 12)], start=1):
        ids = np.resize(sample.token_ids, (rows, time)).astype(np.int32)
        lengths = np.full(rows, time, np.int32)
        step(ids, lengths, np.zeros(rows, np.int32), np.ones(rows, np.float32), number, 0.01, 0.01)
        logits(ids, lengths)
    assert len(traces) == 2


@shapes
def test_eight_examples_are_learnt_by_heart(shape):
    random = np.random.RandomState(0)
    architecture = Architecture(30, 2, 8, shape.cell, 8, shape.layers, shape.bidirectional, shape.pooling)
    model = Classifier(architecture, initial_weights(architecture, seed=1))
    step = training_step(model, Adam(model.weights), dropout=Dropout(), clip_norm=1.0, seed=1)
    lengths = random.randint(1, 7, 8).astype(np.int32)
    token_ids = random.randint(2, 30, (8, 6)).astype(np.int32)
    labels = np.array([0, 1] * 4, np.int32)
    for number in range(1, 61):  # any shape needs 15 at most
        sums = step(token_ids, lengths, labels, np.ones(8, np.float32), number, 0.02, 0.02)
    assert float(sums["correct"]) == 8
    assert float(sums["loss_sum"]) / 8 < 0.05


def test_initial_weights_depend_on_the_seed_alone():
    architecture = Sample(Shape("gru", ("attention",))).model().architecture
    first, again, other = (initial_weights(architecture, seed) for seed in (1, 1, 2))
    for name, weight in first.items():
        np.testing.assert_array_equal(weight, again[name])
        if not name.endswith("bias"):
            assert (weight != other[name]).any(), name


def test_initial_weights_have_the_scales_they_claim():
    architecture = Architecture(1000, 2, 64, units=32)
    weights = initial_weights(architecture, seed=3)
    assert np.abs(weights["embedding"]).max() <= 0.05
    recurrent = weights["layer_0.forward.recurrent_kernel"].astype(np.float64)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(32), atol=1e-5)
    bias = weights["layer_0.forward.bias"].reshape(4, 32)
    np.testing.assert_array_equal(bias, np.array([[0.0], [1.0], [0.0], [0.0]]) * np.ones(32))
