"""The features of the wide path are the same in NumPy, ONNX, TensorFlow and Keras, and those of the oracle.

Each engine answers with a matrix [texts, features]: how often it counts a feature of a text.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull}
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.export import keras_wide, wide
from seqtrain.text import ngrams as module
from seqtrain.text.ngrams import Ngrams, presence
from seqtrain.text.vocabulary import UNK
from tests import oracles
from tests.batches import batch
from tests.invariants.test_onnx_laws import opened
from tests.onnx_models import model_bytes
from tests.shapes import Shape

WORDS, BUCKETS = 12, 20  # the words of `tests.onnx_models`; so few buckets that n-grams of a text share some
CUTS = ((0, 0), (7, 4), (4, 2), (2, 1), (1, 1))
KINDS = [
    Ngrams(longest, WORDS, BUCKETS if longest > 1 else 0, *cut) for longest in (1, 2, 3, 4) for cut in CUTS
]
Engine = Callable[[Ngrams, np.ndarray, np.ndarray], Any]


def expected(ngrams: Ngrams, texts: list[np.ndarray]) -> np.ndarray:
    counts = np.zeros((len(texts), ngrams.features))
    for row, text in zip(counts, texts, strict=True):
        row[list(oracles.ngram_features(text, **ngrams._asdict()))] = 1
    return counts


def of_numpy(ngrams: Ngrams, token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    flat = token_ids[np.arange(token_ids.shape[1]) < lengths[:, np.newaxis]]
    offsets, features = presence(ngrams, flat, np.concatenate([[0], np.cumsum(lengths)]))
    counts = np.zeros((len(lengths), ngrams.features))
    np.add.at(counts, (np.repeat(np.arange(len(lengths)), np.diff(offsets)), features), 1)
    return counts


def identity(ngrams: Ngrams) -> dict[str, np.ndarray]:
    """A wide path whose z are the features themselves."""
    size = ngrams.features
    arrays = {"wide.table": np.eye(size), "wide.bias": np.zeros(size), "wide.scale": np.ones(1)}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@lru_cache
def onnx_run(ngrams: Ngrams) -> Any:
    silent = {"output.kernel": np.zeros((8, ngrams.features)), "output.bias": np.zeros(ngrams.features)}
    return opened(model_bytes(Shape(), {}, ngrams, ngrams.features, **silent, **identity(ngrams)))


def z_of(logits: np.ndarray) -> np.ndarray:
    """Of logits log σ(z), where z are whole numbers."""
    share = np.exp(logits.astype(np.float64))
    return np.round(np.log(share / (1 - share)), 3)


def of_onnx(ngrams: Ngrams, token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return z_of(onnx_run(ngrams)(token_ids, lengths)[0])


def of_tensorflow(ngrams: Ngrams, token_ids: np.ndarray, lengths: np.ndarray) -> Any:
    logits = wide.wide_logits(ngrams, identity(ngrams), tf.constant(token_ids), tf.constant(lengths))
    return z_of(logits.numpy())


def of_keras(ngrams: Ngrams, token_ids: np.ndarray, lengths: np.ndarray) -> Any:
    """It tells padding by its id."""
    token_ids = np.where(np.arange(token_ids.shape[1]) < lengths[:, np.newaxis], token_ids, 0)
    inputs = keras.Input([None], dtype="int32")
    model = keras.Model(inputs, keras_wide.wide_sum(keras, ngrams, ngrams.features, inputs))
    model.set_weights([identity(ngrams)["wide.table"]])
    return model(token_ids).numpy()


ENGINES: list[Engine] = [of_numpy, of_onnx, of_tensorflow, of_keras]
KERAS_KINDS = [KINDS[0], KINDS[6], KINDS[17]]  # of which a model is made anew each time
words = st.integers(1, 3) | st.integers(1, WORDS - 1)  # the first few often, so that n-grams repeat
some_texts = st.lists(
    st.lists(words, min_size=1, max_size=9).map(lambda ids: np.array(ids, np.int32)), min_size=1, max_size=5
)


@settings(max_examples=150)
@given(kind=st.sampled_from(KINDS), texts=some_texts, more=st.integers(0, 5), padding=st.integers(0, 11))
def test_the_features_are_those_of_the_oracle(kind, texts, more, padding):
    for engine in ENGINES[:3]:
        found = engine(kind, *batch(texts, more, padding))
        np.testing.assert_array_equal(found, expected(kind, texts), err_msg=engine.__name__)


@settings(max_examples=10)
@given(kind=st.sampled_from(KERAS_KINDS), texts=some_texts, more=st.integers(0, 5))
def test_so_they_are_in_keras(kind, texts, more):
    np.testing.assert_array_equal(of_keras(kind, *batch(texts, more)), expected(kind, texts))


# Planted faults. Those in the graph of ONNX are with its laws.

TEXTS = [np.array(text, np.int32) for text in ([6, 2, 6, 2, 9, 6, 2], [5], [4, 2, UNK, 4, 2], [UNK])]


def no_cut(monkeypatch, where):
    monkeypatch.setattr(where, "cut_array", lambda ngrams: np.zeros(2, np.int32))


def another_multiplier(monkeypatch, where):
    monkeypatch.setattr(where, "MULTIPLIER", module.MULTIPLIER + 2)


def another_prime(monkeypatch, where):
    monkeypatch.setattr(where, "PRIME", module.PRIME - 2)


def start_forgotten(monkeypatch, where):
    """What has an unknown word does not count."""
    monkeypatch.setattr(where, "START", UNK)


def start_is_zero(monkeypatch, where):
    """Then it changes no hash of what has two tokens more."""
    monkeypatch.setattr(where, "START", 0)


def unknown_words_counted(monkeypatch, where):
    monkeypatch.setattr(where, "UNK", -1)


def nothing_sorted(monkeypatch, where):
    sorts = tf if where is wide else keras.ops
    monkeypatch.setattr(sorts, "sort", lambda values, axis: values)


GRAPHS = ((wide, of_tensorflow), (keras_wide, of_keras))


@pytest.mark.parametrize(
    ("fault", "where", "engine"),
    [
        *((fault, *place) for fault in (no_cut, nothing_sorted) for place in GRAPHS),
        *(
            (fault, *place)
            for fault in (
                another_multiplier,
                another_prime,
                start_forgotten,
                start_is_zero,
                unknown_words_counted,
            )
            for place in (*GRAPHS, (module, of_numpy))
        ),
    ],
)
def test_planted_fault_changes_the_features(monkeypatch, fault, where, engine):
    kind = Ngrams(2, WORDS, BUCKETS, cut_length=7, cut=4)
    np.testing.assert_array_equal(engine(kind, *batch(TEXTS)), expected(kind, TEXTS))
    fault(monkeypatch, where)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        np.testing.assert_array_equal(engine(kind, *batch(TEXTS)), expected(kind, TEXTS))
