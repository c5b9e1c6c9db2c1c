"""Corpora of random texts, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqtrain.data.corpora import Corpora
from seqtrain.data.storage import Corpus
from seqtrain.text.vocabulary import Vocabulary

WORDS = 40  # of the vocabulary, <pad> and <unk> among them


def corpus(texts: Sequence[Sequence[int]], labels: Sequence[int], weights: Sequence[float] = ()) -> Corpus:
    rows = len(texts)
    return Corpus(
        np.concatenate([np.asarray(text, np.int32) for text in texts]),
        np.cumsum([0, *map(len, texts)]),
        np.asarray(labels, np.int32),
        np.asarray(weights or np.ones(rows), np.float32),
        np.zeros(rows, np.bool_),
        np.zeros(rows, np.int32),
        np.arange(rows),
        ["texts"],
    )


def random_corpus(rows: int, classes: int = 2, *, seed: int, telling: bool) -> Corpus:
    """Texts of one to nine words; telling: a word for the label is in most of them, else labels are drawn apart."""
    dice = np.random.default_rng(seed)
    labels = dice.integers(0, classes, rows)
    texts = [dice.integers(1, WORDS, dice.integers(1, 10)) for _ in range(rows)]
    if telling:
        for text, label in zip(texts, labels, strict=True):
            if dice.random() < 0.7:
                text[0] = 2 + label
    return corpus(texts, labels)


def random_corpora(rows: int = 200, classes: int = 2, *, seed: int = 0, telling: bool = True) -> Corpora:
    """As many rows for dev as for training."""
    tokens = ["<pad>", "<unk>", *(f"w{number}" for number in range(2, WORDS))]
    train, dev = (random_corpus(rows, classes, seed=2 * seed + part, telling=telling) for part in (0, 1))
    return Corpora(train, dev, Vocabulary(tokens, [0] * WORDS), [f"label {each}" for each in range(classes)])
