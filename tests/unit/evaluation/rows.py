"""Labelled rows with their probabilities, as functions of this room take them."""

from __future__ import annotations

import numpy as np


def rows(labels, probabilities, weights=None):
    """Labels, probabilities and weights, in the types that the corpus and the predictor have."""
    labels = np.array(labels, np.int32)
    weights = np.ones(len(labels)) if weights is None else weights
    return labels, np.array(probabilities, np.float32), np.array(weights, np.float32)


def random_rows(seed, classes, number):
    """Weights are 1, 2 or 3."""
    random = np.random.RandomState(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), size=number)
    return rows(random.randint(0, classes, number), probabilities, random.randint(1, 4, number))


def learnable_rows(seed, classes, number, parts=1):
    """Labels, and logits float[rows, classes] of several parts, each of which knows a lot of them; weights 1 to 3."""
    random = np.random.RandomState(seed)
    labels = random.randint(0, classes, number).astype(np.int32)
    truth = np.eye(classes)[labels]
    logits = [
        random.uniform(0.5, 4) * (random.normal(size=(number, classes)) + random.uniform(1.5, 2.5) * truth)
        for _ in range(parts)
    ]
    return labels, logits, random.randint(1, 4, number).astype(np.float32)
