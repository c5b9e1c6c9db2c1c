"""What an exporter gets: a trained model as plain arrays and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqtrain import settings
from seqtrain.run import Run
from seqtrain.run.tensors import read_tensors
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import Vocabulary
from seqtrain.training import runtime


@dataclass(frozen=True)
class Source:
    """weights: names and layout of `weights.safetensors`, Keras's. pooling: keys of POOLINGS, to concatenate.

    tokens: those of the vocabulary, by their ids.
    """

    weights: Mapping[str, NDArray[np.float32]]
    cell: str
    layers: int
    bidirectional: bool
    pooling: tuple[str, ...]
    labels: list[str]
    tokens: list[str]
    tokenizer: Tokenizer

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.bidirectional else ("forward",)


def source_of(run: Run) -> Source:
    """What a finished run has; starts TensorFlow. Raises RunError for files that are missing or damaged."""
    for file in (run.weights_file, run.vocabulary_file, run.labels_file):
        run.sealed(file)
    config, labels = run.config(), run.labels()
    tokens = Vocabulary.from_tsv(run.vocabulary(), str(run.vocabulary_file)).tokens
    runtime.start(settings.threads(config))
    shapes = settings.architecture(config, len(tokens), len(labels)).weight_shapes()
    shape = settings.graph_shape(config)
    return Source(
        read_tensors(run.weights_file, shapes),
        **{**shape, "pooling": tuple(shape["pooling"])},
        labels=labels,
        tokens=tokens,
        tokenizer=settings.tokenizer(config),
    )
