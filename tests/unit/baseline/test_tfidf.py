"""The features and the classifier, next to scikit-learn's own on the same tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from seqtrain.baseline import tfidf
from seqtrain.baseline.tfidf import STRENGTHS, best_on_dev, features
from seqtrain.data import storage
from seqtrain.data.corpora import Corpora
from seqtrain.data.corpus import build_corpora
from seqtrain.data.reader import Example
from seqtrain.data.storage import Corpus
from seqtrain.errors import DataError
from seqtrain.evaluation.metrics import METRICS, evaluate
from seqtrain.text.tokenizer import Tokenizer
from tests.project import TEST, TRAIN

MOST_WORDS = 2**31 - 1
TOKENIZER = Tokenizer("word", lowercase=True, max_length=9, truncate="middle")
IDS = st.sampled_from([1, 1, 2, 3, 4, MOST_WORDS - 2, MOST_WORDS - 1])
ROWS = st.lists(st.lists(IDS, min_size=1, max_size=6), min_size=1, max_size=6)
SAME = {"rtol": 1e-12, "atol": 0.0}
CLOSE = 2e-3  # in a figure, between solvers: theirs go on until nothing moves

# Features.


def corpus(rows: Sequence[Sequence[int]]) -> Corpus:
    offsets = np.cumsum([0, *map(len, rows)])
    zeros = np.zeros(len(rows), np.int32)
    ids = np.array([token for row in rows for token in row], np.int32)
    return Corpus(ids, offsets, zeros, zeros + np.float32(1), zeros > 0, zeros, zeros + np.int64(1), ["a"])


def ngrams(row: Sequence[int]) -> list[tuple[int, ...]]:
    grams = [*((token,) for token in row), *pairwise(row)]
    return [gram for gram in grams if 1 not in gram]


def require_the_same(train: Sequence[Sequence[int]], dev: Sequence[Sequence[int]]) -> None:
    """Those of scikit-learn, whose columns are sorted in another way."""
    ours = features(MOST_WORDS, corpus(train), corpus(dev))
    vectorizer = TfidfVectorizer(analyzer=ngrams, sublinear_tf=True)
    theirs = vectorizer.fit_transform(train), vectorizer.transform(dev)
    names = vectorizer.get_feature_names_out()
    order = sorted(range(len(names)), key=lambda column: (len(names[column]), names[column]))
    for matrix, expected in zip(ours, theirs, strict=True):
        assert matrix.shape == expected.shape
        np.testing.assert_allclose(matrix.toarray(), expected.toarray()[:, order], **SAME)


@given(ROWS, ROWS, st.integers(1, 9))
def test_the_features_are_those_of_the_vectorizer(
    train: list[list[int]], dev: list[list[int]], block: int
) -> None:
    with mock.patch.object(storage, "BLOCK_TOKENS", block):
        require_the_same([[2, 3], *train], dev)


EXAMPLE = [[2, 3, 1, 2], [3, 2, 3, 3], [1], [4, 2]]


def as_a_word() -> Any:
    return mock.patch.object(tfidf, "UNK", 0)


def over_the_end() -> Any:
    keys = tfidf._keys
    return mock.patch.object(
        tfidf, "_keys", lambda block, words: keys(block._replace(lengths=block.lengths.sum()), words)
    )


def few_words() -> Any:
    keys = tfidf._keys
    return mock.patch.object(tfidf, "_keys", lambda block, words: keys(block, 1))


@pytest.mark.parametrize("fault", [as_a_word, over_the_end, few_words])
def test_planted_faults_in_the_features(fault: Callable[[], Any]) -> None:
    require_the_same(EXAMPLE, [[2, 3], [3, 2, 2]])
    with fault(), pytest.raises(AssertionError):
        require_the_same(EXAMPLE, [[2, 3], [3, 2, 2]])


# The classifier.


def examples(rows: Sequence[tuple[str, str]], labels: int) -> list[Example]:
    """With weights, and with so many labels: the third one is of those that say nothing."""
    return [
        Example(text, "odd" if labels > 2 and len(text) % 3 == 0 else label, 1 + line % 4, "a.tsv", line + 1)
        for line, (label, text) in enumerate(rows)
    ]


def build(folder: Path, labels: int) -> Corpora:
    train, dev = examples(TRAIN[:200], labels), examples([*TRAIN[200:260], *TEST], labels)
    return build_corpora(train, dev, folder, TOKENIZER, min_count=2, max_size=30, split_seed=1)


@pytest.fixture(scope="module", params=[2, 3])
def corpora(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    return build(tmp_path_factory.mktemp("corpora"), request.param)


def words(corpora: Corpora, split: Corpus) -> list[list[str]]:
    tokens = [corpora.vocabulary.tokens[token] for token in split.token_ids]
    return [tokens[start:end] for start, end in pairwise(split.offsets)]


def known_grams(row: list[str]) -> list[str]:
    grams = [*row, *map(" ".join, pairwise(row))]
    return [gram for gram in grams if "<unk>" not in gram]


def class_weights(corpora: Corpora) -> list[float]:
    return [0.25, 2.0, 5.0][: len(corpora.labels)]


def row_weights(corpora: Corpora) -> list[float]:
    """What a training row counts."""
    train, by_class = corpora.train, class_weights(corpora)
    return [weight * by_class[label] for weight, label in zip(train.weights, train.labels, strict=True)]


def independent(corpora: Corpora, weights: Sequence[float]) -> dict[int, dict[str, Any]]:
    """The figures on dev by C, of another solver, which goes on for longer."""
    train, dev = corpora.train, corpora.dev
    vectorizer = TfidfVectorizer(analyzer=known_grams, sublinear_tf=True)
    rows, dev_rows = (
        vectorizer.fit_transform(words(corpora, train)),
        vectorizer.transform(words(corpora, dev)),
    )
    models = [LogisticRegression(C=c, tol=1e-6, max_iter=10_000) for c in STRENGTHS]
    return {
        model.C: evaluate(
            dev.labels,
            model.fit(rows, train.labels, weights).predict_proba(dev_rows),
            dev.weights,
            corpora.labels,
        )
        for model in models
    }


@pytest.fixture(scope="module")
def expected(corpora: Corpora) -> dict[int, dict[str, Any]]:
    return independent(corpora, row_weights(corpora))


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_the_best_on_dev_is_that_of_an_independent_pipeline(
    corpora: Corpora, expected: dict[int, dict[str, Any]], metric: str
) -> None:
    best = max(expected, key=lambda c: METRICS[metric] * expected[c][metric])
    found = best_on_dev(corpora, metric, class_weights(corpora))
    assert found["c"] == best
    assert found["confusion_matrix"] == expected[best]["confusion_matrix"]
    assert [found[name] for name in METRICS] == pytest.approx(
        [expected[best][name] for name in METRICS], rel=CLOSE
    )


@pytest.mark.parametrize("without", ["weights of rows", "weights of classes"])
def test_planted_faults_in_what_a_row_counts(
    corpora: Corpora, expected: dict[int, dict[str, Any]], without: str
) -> None:
    """The test above would see it."""
    rows, all_of_it = corpora.train.weights, np.array(row_weights(corpora))
    other = independent(corpora, all_of_it / rows if without == "weights of rows" else rows)
    for c in STRENGTHS:
        assert other[c]["log_loss"] != pytest.approx(expected[c]["log_loss"], rel=CLOSE)


def test_where_less_is_better_the_least_is_best(
    corpora: Corpora, expected: dict[int, dict[str, Any]]
) -> None:
    with mock.patch.dict(METRICS, log_loss=+1):
        assert best_on_dev(corpora, "log_loss", class_weights(corpora))["c"] == max(
            expected, key=lambda c: expected[c]["log_loss"]
        )


def test_of_equals_the_strongest_penalty_is_best(corpora: Corpora) -> None:
    with mock.patch.object(tfidf, "evaluate", return_value={"accuracy": 0.5}):
        assert best_on_dev(corpora, "accuracy", class_weights(corpora))["c"] == min(STRENGTHS)


def test_the_same_bits_every_time(corpora: Corpora) -> None:
    assert best_on_dev(corpora, "log_loss", class_weights(corpora)) == best_on_dev(
        corpora, "log_loss", class_weights(corpora)
    )


# Limits.


def test_too_many_weights_are_refused(corpora: Corpora) -> None:
    size = len(corpora.labels) * best_on_dev(corpora, "accuracy", class_weights(corpora))["features"]
    with mock.patch.object(tfidf, "MOST_WEIGHTS", size):
        best_on_dev(corpora, "accuracy", class_weights(corpora))
    with (
        mock.patch.object(tfidf, "MOST_WEIGHTS", size - 1),
        pytest.raises(DataError, match=f"{size:,} weights, where there may be {size - 1:,}"),
    ):
        best_on_dev(corpora, "accuracy", class_weights(corpora))


def test_without_a_known_word_there_is_nothing_to_fit(tmp_path: Path) -> None:
    rows = [Example(f"only{number}", "np"[number % 2], 1.0, "a.tsv", number) for number in range(1, 9)]
    nothing = build_corpora(rows, 0.5, tmp_path, TOKENIZER, min_count=2, max_size=30, split_seed=1)
    with pytest.raises(DataError, match="no word of the training rows is in the vocabulary"):
        best_on_dev(nothing, "accuracy", [1.0, 1.0])
