"""The laws that need TensorFlow: the trained weights answer as the model file does, and padding has no gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from seqtrain.model.classifier import Architecture, Classifier
from seqtrain.run import Run
from seqtrain.run.tensors import read_tensors
from seqtrain.text.vocabulary import PAD
from seqtrain.training.step import batch_sums, probabilities_step
from seqtrain.verification.laws import (
    EXACT,
    MORE_PADDING,
    Law,
    Outcome,
    Probabilities,
    Subject,
    examined,
    padded,
)
from seqtrain.verification.sample import Ids

ENGINE_TOLERANCE = 1e-5  # in a probability, over hundreds of steps in float32; `fit` writes no other model
BATCHES = 3  # of which gradients are taken

_OTHER = "The model file and the weights of the run are not one model: train it again with `seqtrain fit`."
_READS = "Training reads padding: seqtrain has a bug, or was changed."
ENGINES = Law("engines", "ONNX and TensorFlow", f"within {ENGINE_TOLERANCE:.0e}", ENGINE_TOLERANCE, _OTHER)
PADDING_GRADIENT = Law("padding_gradient", "gradient of padding", "exactly zero", EXACT, _READS)
GRADIENTS = Law("gradients", "gradients, more padding", "the same to the bit", EXACT, _READS)

Gradients = Mapping[str | int, NDArray[np.float32]]
"""By the name of the weight, but for the embedding: by the ids of words, a row for each."""
Difference = tuple[float, str]  # and where it is


def trained_classifier(run: Run, architecture: Architecture) -> Classifier:
    """The weights of a run; RunError if they are missing, or not those that `fit` wrote."""
    run.sealed(run.weights_file)
    return Classifier(architecture, read_tensors(run.weights_file, architecture.weight_shapes()))


def outcomes(classifier: Classifier, subject: Subject) -> Iterator[Outcome]:
    """What the laws come to for a model file, which is the subject, and the weights that it was made of."""
    step = probabilities_step(classifier)

    def answer(token_ids: Ids, lengths: Ids) -> Probabilities:
        return step(tf.constant(token_ids), tf.constant(lengths)).numpy()  # type: ignore[no-any-return]

    trained = replace(subject, answer=answer)
    yield examined(subject, ENGINES, lambda subject: iter([(trained.base, subject.base)]))
    texts = subject.sample.token_ids
    batches = [[texts[row] for row in rows] for rows in subject.shuffled[:BATCHES]]
    yield from gradient_outcomes(classifier, batches, subject.words)


def gradient_outcomes(
    classifier: Classifier, batches: Sequence[Sequence[Ids]], words: int
) -> Iterator[Outcome]:
    """Of batches as they are, and with more padding that consists of a word that stands nowhere in them."""
    of_padding: list[Difference] = []
    changes: list[Difference] = []
    for texts in batches:
        known = set(np.concatenate(texts).tolist())
        stranger = next((word for word in range(words - 1, PAD, -1) if word not in known), PAD)
        plain = gradients(classifier, *padded(texts, 0, [PAD]))
        more = gradients(classifier, *padded(texts, MORE_PADDING[1], [stranger]))
        of_padding += [
            (_size(gradient), f"the embedding of id {name}")
            for name, gradient in (*plain.items(), *more.items())
            if isinstance(name, int) and name not in known
        ]
        changes += [
            (_size(plain.get(name, 0.0) - more.get(name, 0.0)), f"the gradient of {name}")
            for name in plain.keys() | more.keys()
        ]
    yield Outcome(PADDING_GRADIENT, *max(of_padding))
    yield Outcome(GRADIENTS, *max(changes))


def gradients(classifier: Classifier, token_ids: Ids, lengths: Ids) -> Gradients:
    """Of the summed loss. Any labels will do."""
    labels = np.arange(len(lengths), dtype=np.int32) % classifier.architecture.classes
    with tf.GradientTape() as tape:
        logits = classifier(tf.constant(token_ids), tf.constant(lengths))
        loss = batch_sums(logits, labels, np.ones(len(lengths), np.float32))["loss_sum"]
    found = tape.gradient(loss, classifier.weights)
    by_word = found.pop("embedding")  # a row for each distinct word of the batch, <pad> among them
    return {
        **dict(zip(by_word.indices.numpy().tolist(), by_word.values.numpy(), strict=True)),
        **{name: gradient.numpy() for name, gradient in found.items()},
    }


def _size(difference: Any) -> float:
    """The largest number in it; NaN is worse than any."""
    return float(np.nan_to_num(np.abs(difference), nan=np.inf).max())
