"""The laws that need TensorFlow: the trained weights answer as the model file does, and padding has no gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from seqtrain.model.classifier import Architecture, Classifier
from seqtrain.run import Run
from seqtrain.text.ngrams import Ngrams, presence
from seqtrain.text.vocabulary import PAD
from seqtrain.training.step import batch_sums, logits_step
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
from seqtrain.weights import trained_weights
from seqtrain.wide import nbsvm
from seqtrain.wide.features import matrix

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


@dataclass(frozen=True)
class TrainedClassifier:
    """The whole model: the network in TensorFlow, the arrays of `weights.safetensors`, the n-grams of a wide path."""

    network: Classifier
    arrays: Mapping[str, NDArray[np.float32]]
    ngrams: Ngrams | None = None

    def answer(self, token_ids: Ids, lengths: Ids) -> Probabilities:
        """token_ids [batch, time], lengths [batch] → probabilities <float32>[batch, classes]."""
        logits = self._step(tf.constant(token_ids), tf.constant(lengths)) * self.arrays["output.scale"]
        if self.ngrams:
            logits += wide_logits(self.ngrams, self.arrays, token_ids, lengths)
        return tf.nn.softmax(logits).numpy()  # type: ignore[no-any-return]

    @cached_property
    def _step(self) -> Callable[[Any, Any], Any]:
        return logits_step(self.network)


def trained_classifier(run: Run, architecture: Architecture) -> TrainedClassifier:
    """That of a run; RunError if its weights are missing, or not those that `fit` wrote."""
    weights = trained_weights(run)
    return TrainedClassifier(Classifier(architecture, weights.network), weights.arrays, weights.ngrams)


def wide_logits(
    ngrams: Ngrams, arrays: Mapping[str, NDArray[np.float32]], token_ids: Ids, lengths: Ids
) -> NDArray[np.float32]:
    """Those of the wide path, scaled: <float32>[batch, classes]."""
    real = np.arange(token_ids.shape[1]) < lengths[:, np.newaxis]
    found = presence(ngrams, token_ids[real], np.concatenate([[0], np.cumsum(lengths)]))
    return (
        nbsvm.logits(matrix(found, ngrams), arrays["wide.table"], arrays["wide.bias"]) * arrays["wide.scale"]
    )


def outcomes(trained: TrainedClassifier, subject: Subject) -> Iterator[Outcome]:
    """What the laws come to for a model file, which is the subject, and the weights that it was made of."""
    expected = replace(subject, answer=trained.answer)
    yield examined(subject, ENGINES, lambda subject: iter([(expected.base, subject.base)]))
    texts = subject.sample.token_ids
    batches = [[texts[row] for row in rows] for rows in subject.shuffled[:BATCHES]]
    yield from gradient_outcomes(trained.network, batches, subject.words)


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
