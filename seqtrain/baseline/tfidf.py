"""TF-IDF of words and of pairs of neighbours, and logistic regression: the classifier that a network has to beat.

The features are those of scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)`, computed from token
ids. What has `<unk>` in it is no feature: over sets of reviews, sentences and questions that is better on average than
to count `<unk>` as a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from seqtrain.data import storage
from seqtrain.data.corpora import Corpora
from seqtrain.data.storage import Block, Corpus
from seqtrain.errors import DataError
from seqtrain.evaluation.metrics import METRICS, evaluate
from seqtrain.text.vocabulary import UNK

STRENGTHS = (1, 3, 10, 30, 100, 300)
"""C, the inverse of the L2 penalty: with more of it the model follows the training rows more closely."""

TOLERANCE = 1e-6
"""Of the gradient. At scikit-learn's own, 1e-4, a fit often ends where the one with the next lower C did."""

MOST_WEIGHTS = 10_000_000
"""Labels times features; so many take 1.3 GB, and four minutes of a core where texts are long."""

_NO_FEATURE = -1


def best_on_dev(corpora: Corpora, metric: str, class_weights: Sequence[float]) -> dict[str, Any]:
    """What `evaluate` says of dev with the C that is best in one of METRICS, of equals the lowest.

    With it come `c` and the number of `features`. class_weights [classes]: what a training row of each label counts,
    besides its own weight. DataError where there is no feature, or where they are too many.
    """
    train, dev, vocabulary, labels = corpora
    train_features, dev_features = features(len(vocabulary), train, dev)
    count = train_features.shape[1]
    if count * len(labels) > MOST_WEIGHTS:
        raise DataError(
            f"{len(labels):,} labels and {count:,} features would be {len(labels) * count:,} weights, "
            f"where there may be {MOST_WEIGHTS:,}"
        )
    weights = train.weights * np.array(class_weights, np.float32)[train.labels]
    results = [
        {
            **evaluate(dev.labels, model.predict_proba(dev_features), dev.weights, labels),
            "c": model.C,
            "features": count,
        }
        for model in classifiers(train_features, train.labels, weights)
    ]
    return max(results, key=lambda result: METRICS[metric] * result[metric])


def features(words: int, train: Corpus, *others: Corpus) -> list[csr_matrix]:
    """<float64>[rows, features] of each corpus: which features there are and how rare they are, the first one says.

    words: entries of the vocabulary. DataError if no row of the first has one of them.
    """
    known = np.unique(np.concatenate([np.unique(_keys(block, words)) for block in _blocks(train)]))
    known = known[known != _NO_FEATURE]
    if not len(known):
        raise DataError("no word of the training rows is in the vocabulary")
    counts = [
        vstack(
            [_counts(_keys(block, words), block.lengths, known) for block in _blocks(corpus)], format="csr"
        )
        for corpus in (train, *others)
    ]
    tfidf = TfidfTransformer(sublinear_tf=True).fit(counts[0])
    return [tfidf.transform(matrix, copy=False) for matrix in counts]


def classifiers(
    features: csr_matrix, labels: NDArray[Any], weights: NDArray[Any]
) -> Iterator[LogisticRegression]:
    """One for each of STRENGTHS; each fit begins where the one before has ended, and the same bits come every time."""
    model = LogisticRegression(solver="newton-cg", tol=TOLERANCE, warm_start=True)
    for strength in STRENGTHS:
        yield copy(model.set_params(C=strength).fit(features, labels, sample_weight=weights))


def _blocks(corpus: Corpus) -> Iterator[Block]:
    return storage.blocks(corpus, np.ones(len(corpus), np.bool_))


def _keys(block: Block, words: int) -> NDArray[np.int64]:
    """int64[tokens, 2]: the word at each position, by its id, and the pair it begins, by a number above all ids.

    _NO_FEATURE for what has `<unk>` in it, and for a pair at the end of a row.
    """
    ids = block.token_ids.astype(np.int64)
    known = ids != UNK
    keys = np.full((len(ids), 2), _NO_FEATURE)
    keys[:, 0] = np.where(known, ids, _NO_FEATURE)
    keys[:-1, 1] = np.where(known[:-1] & known[1:], ids[:-1] * words + ids[1:], _NO_FEATURE)
    keys[np.cumsum(block.lengths) - 1, 1] = _NO_FEATURE
    return keys


def _counts(keys: NDArray[np.int64], lengths: NDArray[Any], known: NDArray[np.int64]) -> csr_matrix:
    """<float64>[rows, features]: how often a row has each of the known keys, which rise."""
    columns = np.searchsorted(known, keys)
    is_known = known.take(columns, mode="clip") == keys
    ends = np.cumsum(is_known.sum(axis=1))[np.cumsum(lengths) - 1]
    data = np.ones(ends[-1])
    counts = csr_matrix((data, columns[is_known], np.append(0, ends)), shape=(len(lengths), len(known)))
    counts.sum_duplicates()
    return counts
