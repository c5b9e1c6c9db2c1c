"""The oracles against stock Keras layers, on unpadded input."""

from __future__ import annotations

import numpy as np
import pytest

from tests import oracles

# Keras computes in float32 here, the oracle in float64: after 12 steps they differ by a few 1e-7.
TOLERANCE = 2e-6
TIME, EMBEDDING, UNITS = 12, 5, 4


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def keras_cell(keras, cell, **options):
    layers = {
        "lstm": keras.layers.LSTM,
        "gru": keras.layers.GRU,
        "rnn": keras.layers.SimpleRNN,
    }
    if cell == "gru":
        options["reset_after"] = True
    return layers[cell](UNITS, return_sequences=True, **options)


def some_weights(seed, cell, bidirectional):
    return oracles.random_weights(
        seed,
        vocabulary=7,
        embedding=EMBEDDING,
        units=UNITS,
        classes=3,
        cell=cell,
        bidirectional=bidirectional,
        layers=2,
        pooling=["mean", "attention"],
    )


def some_inputs(time=TIME):
    return np.random.RandomState(11).normal(size=(time, EMBEDDING))


@pytest.mark.parametrize("time", [1, 2, TIME])
@pytest.mark.parametrize("cell", list(oracles.CELLS))
def test_a_cell_is_the_stock_keras_layer(keras, cell, time):
    weights = oracles.direction_weights(some_weights(1, cell, False), 0, "forward")
    inputs = some_inputs(time)
    layer = keras_cell(keras, cell)
    layer.build((1, time, EMBEDDING))
    layer.set_weights(weights)

    expected = np.asarray(layer(inputs[None].astype(np.float32)))[0]

    np.testing.assert_allclose(oracles.CELLS[cell](inputs, *weights), expected, atol=TOLERANCE)


@pytest.mark.parametrize("cell", list(oracles.CELLS))
def test_two_bidirectional_layers_are_stock_keras_ones(keras, cell):
    weights = some_weights(2, cell, True)
    inputs = some_inputs()
    outputs = inputs[None].astype(np.float32)
    for layer in range(2):
        stock = keras.layers.Bidirectional(keras_cell(keras, cell))
        stock.build(outputs.shape)
        stock.set_weights(
            [
                *oracles.direction_weights(weights, layer, "forward"),
                *oracles.direction_weights(weights, layer, "backward"),
            ]
        )
        outputs = np.asarray(stock(outputs))

    result = oracles.stack(weights, inputs, cell=cell, layers=2, bidirectional=True)

    np.testing.assert_allclose(result, outputs[0], atol=TOLERANCE)


@pytest.mark.parametrize("cell", list(oracles.CELLS))
def test_last_is_what_a_bidirectional_keras_layer_returns_without_sequences(keras, cell):
    weights = some_weights(3, cell, True)
    forward = oracles.direction_weights(weights, 0, "forward")
    backward = oracles.direction_weights(weights, 0, "backward")
    inputs = some_inputs()
    inner = keras_cell(keras, cell)
    inner.return_sequences = False
    stock = keras.layers.Bidirectional(inner)
    stock.build((1, TIME, EMBEDDING))
    stock.set_weights([*forward, *backward])

    outputs = oracles.both_directions(oracles.CELLS[cell], inputs, forward, backward)

    expected = np.asarray(stock(inputs[None].astype(np.float32)))[0]
    np.testing.assert_allclose(oracles.last_pool(outputs, bidirectional=True), expected, atol=TOLERANCE)


def test_last_of_one_direction_is_its_output_at_the_last_token():
    outputs = np.arange(6.0).reshape(3, 2)
    assert oracles.last_pool(outputs, bidirectional=False).tolist() == [4.0, 5.0]
    assert oracles.last_pool(outputs, bidirectional=True).tolist() == [4.0, 1.0]


def test_poolings_by_hand():
    outputs = np.array([[0.0, -4.0], [2.0, -2.0]])
    assert oracles.mean_pool(outputs).tolist() == [1.0, -3.0]
    assert oracles.max_pool(outputs).tolist() == [2.0, -2.0]
    # scores 0 and log 3, so weights 1/4 and 3/4
    kernel = np.array([[np.log(3.0) / np.tanh(2.0)], [0.0]])
    np.testing.assert_allclose(oracles.attention_pool(outputs, kernel), [1.5, -2.5])


def test_classifier_concatenates_poolings_in_the_order_of_their_names():
    weights = some_weights(4, "lstm", True)
    token_ids = [3, 1, 6, 6]
    model = {"cell": "lstm", "layers": 2, "bidirectional": True}
    outputs = oracles.stack(weights, weights["embedding"][token_ids], **model)
    features = [oracles.mean_pool(outputs), oracles.attention_pool(outputs, weights["attention.kernel"])]
    kernel = weights["output.kernel"]

    expected = features[0] @ kernel[: 2 * UNITS] + features[1] @ kernel[2 * UNITS :] + weights["output.bias"]

    result = oracles.classifier(weights, token_ids, pooling=["mean", "attention"], **model)
    np.testing.assert_allclose(result, expected)


def test_reversing_the_text_mirrors_the_two_directions():
    weights = some_weights(5, "gru", True)
    forward = oracles.direction_weights(weights, 0, "forward")
    inputs = some_inputs()
    outputs = oracles.both_directions(oracles.gru, inputs, forward, forward)
    mirrored = oracles.both_directions(oracles.gru, inputs[::-1], forward, forward)[::-1]
    np.testing.assert_array_equal(outputs[:, :UNITS], mirrored[:, UNITS:])


def test_cross_entropy_survives_large_logits():
    logits = np.array([1000.0, 0.0, -1000.0])
    assert oracles.softmax_cross_entropy(logits, 0) == 0.0
    assert oracles.softmax_cross_entropy(logits, 1) == 1000.0
    assert oracles.softmax_cross_entropy(np.zeros(3), 2) == pytest.approx(np.log(3))


def test_batch_loss_weighs_texts_not_rows():
    weights = some_weights(6, "rnn", False)
    model = {"cell": "rnn", "layers": 2, "bidirectional": False, "pooling": ["mean", "attention"]}
    texts, labels = [[2, 3], [4], [5, 6, 1]], [0, 1, 2]
    twice = oracles.batch_loss(weights, [*texts, texts[2]], [*labels, labels[2]], [1, 1, 1, 1], **model)
    assert oracles.batch_loss(weights, texts, labels, [1, 1, 2], **model) == pytest.approx(twice, rel=1e-12)


def test_numeric_gradient_of_a_known_function_and_the_array_is_put_back():
    array = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = array.copy()
    gradient = oracles.numeric_gradient(lambda: (array**3).sum(), array)
    np.testing.assert_allclose(gradient, 3 * before**2, rtol=1e-8)
    np.testing.assert_array_equal(array, before)


def test_numeric_gradient_refuses_single_precision():
    array = np.zeros(2, np.float32)
    with pytest.raises(TypeError, match="float64"):
        oracles.numeric_gradient(lambda: array.sum(), array)


def test_numeric_gradient_of_the_output_bias_is_probability_minus_one_hot():
    weights = some_weights(7, "lstm", True)
    model = {"cell": "lstm", "layers": 2, "bidirectional": True, "pooling": ["mean", "attention"]}
    gradient = oracles.numeric_gradient(
        lambda: oracles.batch_loss(weights, [[2, 5, 3]], [1], [1.0], **model), weights["output.bias"]
    )
    probabilities = oracles.softmax(oracles.classifier(weights, [2, 5, 3], **model))
    np.testing.assert_allclose(gradient, probabilities - [0, 1, 0], atol=1e-8)
