"""The best weights of a finished run, with the words and labels that their rows and columns are for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain import settings
from seqtrain.run import Run
from seqtrain.run.tensors import read_tensors
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.vocabulary import Vocabulary
from seqtrain.untrusted import opened

BESIDE = ("output.scale", "wide.table", "wide.bias", "wide.scale")
"""The arrays that are not the network's."""


class TrainedWeights(NamedTuple):
    """arrays: names and layout of `weights.safetensors`, Keras's. tokens: those of the vocabulary, by their ids.

    ngrams: of the wide path, None without one.
    """

    arrays: dict[str, NDArray[np.float32]]
    tokens: list[str]
    labels: list[str]
    ngrams: Ngrams | None

    @property
    def network(self) -> dict[str, NDArray[np.float32]]:
        """Those of the arrays that training makes step by step."""
        return {name: array for name, array in self.arrays.items() if name not in BESIDE}


def trained_weights(run: Run) -> TrainedWeights:
    """What a finished run has; TensorFlow must have been started. RunError for files that are missing or damaged."""
    for file in (run.weights_file, run.vocabulary_file, run.labels_file):
        run.sealed(file)
    tokens = Vocabulary.from_tsv(run.vocabulary(), str(run.vocabulary_file)).tokens
    labels, config = run.labels(), run.config()
    shapes = settings.architecture(config, len(tokens), len(labels)).weight_shapes()
    shapes["output.scale"] = (1,)
    if ngrams := settings.ngrams(config, len(tokens), len(tokens) + 1):
        columns = 1 if len(labels) == 2 else len(labels)
        shapes |= {"wide.bias": (columns,), "wide.scale": (1,)}
        rows = _numbers_left(run.weights_file, shapes) // columns
        ngrams = ngrams._replace(buckets=max(rows, ngrams.features) - len(tokens))
        shapes["wide.table"] = (ngrams.features, columns)
    return TrainedWeights(read_tensors(run.weights_file, shapes), tokens, labels, ngrams)


def _numbers_left(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """How many numbers a file of tensors has besides those of these shapes, going by its size."""
    with opened(file) as (content, size):
        header = int.from_bytes(content.read(8), "little")
    return (size - 8 - header) // 4 - sum(map(math.prod, shapes.values()))
