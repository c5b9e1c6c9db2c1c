"""What an exporter gets: a trained model as plain arrays and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqtrain import settings
from seqtrain.inference.metadata import Decision, parse_metadata
from seqtrain.inference.model_file import read_model
from seqtrain.run import Run
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.training import runtime
from seqtrain.weights import trained_weights


@dataclass(frozen=True)
class Source:
    """weights: names and layout of `weights.safetensors`, Keras's. pooling: keys of POOLINGS, to concatenate.

    tokens: those of the vocabulary, by their ids. ngrams: of the wide path, None without one. decision: as the model
    file has it.
    """

    weights: Mapping[str, NDArray[np.float32]]
    cell: str
    layers: int
    bidirectional: bool
    pooling: tuple[str, ...]
    labels: list[str]
    tokens: list[str]
    tokenizer: Tokenizer
    ngrams: Ngrams | None = None
    decision: Decision | None = None

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.bidirectional else ("forward",)


def source_of(run: Run) -> Source:
    """What a finished run has; starts TensorFlow. Raises RunError for files that are missing or damaged."""
    config = run.config()
    runtime.start(settings.threads(config))
    trained, shape = trained_weights(run), settings.graph_shape(config)
    origin = str(run.model_file)
    file = read_model(run.sealed(run.model_file), origin)
    return Source(
        trained.arrays,
        **{**shape, "pooling": tuple(shape["pooling"])},
        labels=trained.labels,
        tokens=trained.tokens,
        tokenizer=settings.tokenizer(config),
        ngrams=trained.ngrams,
        decision=parse_metadata(file.metadata, origin).decision,
    )
