"""The best weights of a finished run, with the words and labels that their rows and columns are for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain import settings
from seqtrain.run import Run
from seqtrain.run.tensors import read_tensors
from seqtrain.text.vocabulary import Vocabulary


class TrainedWeights(NamedTuple):
    """arrays: names and layout of `weights.safetensors`, Keras's. tokens: those of the vocabulary, by their ids."""

    arrays: dict[str, NDArray[np.float32]]
    tokens: list[str]
    labels: list[str]


def trained_weights(run: Run) -> TrainedWeights:
    """What a finished run has; TensorFlow must have been started. RunError for files that are missing or damaged."""
    for file in (run.weights_file, run.vocabulary_file, run.labels_file):
        run.sealed(file)
    tokens = Vocabulary.from_tsv(run.vocabulary(), str(run.vocabulary_file)).tokens
    labels = run.labels()
    shapes = settings.architecture(run.config(), len(tokens), len(labels)).weight_shapes()
    return TrainedWeights(read_tensors(run.weights_file, shapes), tokens, labels)
