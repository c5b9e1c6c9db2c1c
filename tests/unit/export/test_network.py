"""The network in TensorFlow's own operators against the oracle, and the faults that its laws catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.export import network
from seqtrain.export.network import Network
from seqtrain.export.wide import wide_logits
from seqtrain.text.vocabulary import UNK
from tests.batches import batch
from tests.onnx_models import NGRAMS, SIZES, oracle_logits
from tests.shapes import CELLS, POOLINGS, Shape
from tests.unit.export.sources import source

ORACLE_TOLERANCE = 5e-6  # logits of size one in float32 against float64
COMPANY_TOLERANCE = 1e-6  # another batch may be blocked differently in a matrix product
LENGTHS = [1, 4, 12, 6, 12]  # one token, some padding, none; 12 are as many as a cut leaves
EVERY_SHAPE = [
    Shape(cell, pooling, bidirectional, layers)
    for cell in CELLS
    for pooling in (*((name,) for name in POOLINGS), POOLINGS[::-1])
    for bidirectional in (True, False)
    for layers in (1, 2)
]
POISON = 7  # the id of a word whose embedding is infinite, for padding alone

Run = Callable[[np.ndarray, np.ndarray], tf.Tensor]


def some_texts(lengths: list[int]) -> list[np.ndarray]:
    """Of these lengths, and one that is a single unknown word."""
    random = np.random.RandomState(3)
    return [*(random.randint(1, POISON, length) for length in lengths), np.array([UNK])]


def poisoned(shape: Shape, **wide: Any) -> Network:
    made = source(shape, **wide)
    made.weights["embedding"][POISON] = np.inf
    return Network(made)


# Laws: each takes a shape and raises AssertionError where the network does not keep it.


def agrees_with_the_oracle(shape: Shape, **wide: Any) -> None:
    texts = some_texts(LENGTHS)
    expected = oracle_logits(shape, texts, **wide)
    found = poisoned(shape, **wide)(*batch(texts))
    np.testing.assert_allclose(found, expected, atol=ORACLE_TOLERANCE, rtol=0)


def padding_changes_nothing(shape: Shape, **wide: Any) -> None:
    run, texts = poisoned(shape, **wide), some_texts(LENGTHS)
    expected = run(*batch(texts))
    for more, padding in [(0, 3), (1, 0), (20, 3), (20, POISON)]:
        found = run(*batch(texts, more, padding))
        np.testing.assert_allclose(found, expected, atol=COMPANY_TOLERANCE, rtol=0)


def company_changes_nothing(shape: Shape, **wide: Any) -> None:
    run, texts = poisoned(shape, **wide), some_texts(LENGTHS)
    together = run(*batch(texts))
    alone = tf.concat([run(*batch([text])) for text in texts], axis=0)
    np.testing.assert_allclose(alone, together, atol=COMPANY_TOLERANCE, rtol=0)


LAWS = (agrees_with_the_oracle, padding_changes_nothing, company_changes_nothing)


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=str)
def test_the_oracle_agrees(shape):
    agrees_with_the_oracle(shape)


@pytest.mark.parametrize("shape", [Shape(cell, POOLINGS, layers=2) for cell in CELLS], ids=str)
@pytest.mark.parametrize("law", LAWS[1:])
def test_law(law, shape):
    law(shape)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("longest", "buckets"), [(1, 0), (2, 20), (4, 1000)])
@pytest.mark.parametrize("law", LAWS)
def test_law_with_a_wide_path(law, longest, buckets, classes):
    law(Shape("rnn"), ngrams=NGRAMS._replace(longest=longest, buckets=buckets), classes=classes)


@pytest.fixture(scope="module")
def graphs():
    """A network of each cell, traced for batches of any shape."""
    any_batch = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    return {
        cell: tf.function(
            Network(source(Shape(cell, POOLINGS), NGRAMS)), input_signature=any_batch, autograph=False
        )
        for cell in CELLS
    }


@settings(max_examples=40)
@given(
    cell=st.sampled_from(CELLS),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=9),
    more=st.integers(0, 40),
    padding=st.integers(0, SIZES["vocabulary"] - 1),
)
def test_no_lengths_and_no_padding_change_the_answer(graphs, cell, lengths, more, padding):
    texts = some_texts(lengths)
    expected = oracle_logits(Shape(cell, POOLINGS), texts, NGRAMS)
    found = graphs[cell](*batch(texts, more, padding))
    np.testing.assert_allclose(found, expected, atol=ORACLE_TOLERANCE, rtol=0)
    assert graphs[cell].experimental_get_tracing_count() == 1


@pytest.mark.parametrize("cell", CELLS)
def test_there_may_be_no_texts(graphs, cell):
    assert graphs[cell](np.zeros((0, 1), np.int32), np.zeros(0, np.int32)).shape == (0, SIZES["classes"])


# Planted faults: each is what a careless network might do.


def reversal_of_the_padded_row(monkeypatch):
    monkeypatch.setattr(network, "_reversed", lambda values, lengths: tf.reverse(values, [0]))


def no_reversal(monkeypatch):
    monkeypatch.setattr(network, "_reversed", lambda values, lengths: values)


def outputs_unmasked(monkeypatch):
    monkeypatch.setattr(network, "_masked", lambda outputs, lengths: outputs)


def mask_multiplied(monkeypatch):
    def masked(outputs, lengths):
        mask = network.length_mask(lengths, tf.shape(outputs)[0])
        return outputs * tf.cast(mask, tf.float32)[:, :, tf.newaxis]

    monkeypatch.setattr(network, "_masked", masked)


def gates_in_another_order(monkeypatch):
    def step(projected, recurrent, before):
        i, f, o, g = (x + r for x, r in zip(projected, recurrent, strict=True))
        return network._lstm([i, f, g, o], [0.0] * 4, before)

    monkeypatch.setitem(network.CELLS, "lstm", network.Cell(4, 2, step))


def no_reset_gate(monkeypatch):
    def step(projected, recurrent, before):
        candidate = projected[2] + recurrent[2]
        return network._gru([*projected[:2], candidate], [*recurrent[:2], 0.0], before)

    monkeypatch.setitem(network.CELLS, "gru", network.Cell(3, 1, step))


def ngrams_over_padding(monkeypatch):
    def every_position(ngrams, weights, token_ids, lengths):
        return wide_logits(ngrams, weights, token_ids, tf.fill(tf.shape(lengths), tf.shape(token_ids)[1]))

    monkeypatch.setattr(network, "wide_logits", every_position)


@pytest.mark.parametrize(
    ("fault", "shape", "law"),
    [
        (reversal_of_the_padded_row, Shape(), agrees_with_the_oracle),
        (reversal_of_the_padded_row, Shape(), padding_changes_nothing),
        (reversal_of_the_padded_row, Shape(), company_changes_nothing),
        (no_reversal, Shape(), agrees_with_the_oracle),
        (outputs_unmasked, Shape(), agrees_with_the_oracle),
        (outputs_unmasked, Shape("rnn", bidirectional=False), padding_changes_nothing),
        (mask_multiplied, Shape(), padding_changes_nothing),
        (gates_in_another_order, Shape(), agrees_with_the_oracle),
        (no_reset_gate, Shape("gru"), agrees_with_the_oracle),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_planted_fault_breaks_the_law(monkeypatch, fault, shape, law):
    fault(monkeypatch)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        law(shape)


@pytest.mark.parametrize("law", LAWS)
def test_planted_fault_in_the_wide_path_breaks_the_law(monkeypatch, law):
    ngrams_over_padding(monkeypatch)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        law(Shape(), ngrams=NGRAMS)


@pytest.mark.parametrize("name", ["output.scale", "wide.scale"])
def test_the_oracle_shows_a_scale_that_is_missing(name):
    made = source(Shape(), NGRAMS)
    made.weights[name][:] = 1
    texts = some_texts(LENGTHS)
    found, expected = Network(made)(*batch(texts)), oracle_logits(Shape(), texts, NGRAMS)
    assert np.abs(found - expected).max() > 1000 * ORACLE_TOLERANCE
