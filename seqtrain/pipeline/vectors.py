"""Word vectors from a file as the start of a new run's embedding."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.vectors import BY_PARTS, EXACT, LOWER, MISSING, OTHER_CASE, require_room, vectors_for
from seqtrain.text.vocabulary import UNK, Vocabulary

if TYPE_CHECKING:
    from seqtrain.training.trainer import Trainer


@dataclass(frozen=True)
class VectorsRead:
    """The embedding begins with the vectors of a file, of `dimension` numbers each.

    words: of the vocabulary; exactly: how many of them are in the file as they are; by_case: how many are there in
    another case only; by_parts: how many are there in parts only; unseen: how many the training rows do not have.
    share: of the training rows' tokens that have a vector, 0 to 1.
    """

    path: str
    dimension: int
    words: int
    exactly: int
    by_case: int
    by_parts: int
    unseen: int
    share: float


def put_vectors(path: Path, trainer: Trainer, vocabulary: Vocabulary, seed: int) -> VectorsRead:
    """Puts the vectors of a file into the trainer's embedding.

    Words without one get random vectors of the scale of those that the file has. Where vectors are shorter than the
    embedding's, the other columns stay as they are. Raises as `require_room` and `vectors_for`.
    """
    weights = trainer.weights()
    embedding = weights["embedding"]
    require_room(path, embedding.shape[1])
    table, likeness = vectors_for(vocabulary, path)
    scale = table[likeness > BY_PARTS].std(dtype=np.float64)
    for place in np.flatnonzero(likeness == MISSING):
        table[place] = scale * drawn(vocabulary.tokens[UNK + place], seed, table.shape[1])
    embedding[UNK:, : table.shape[1]] = table
    trainer.set_weights(weights)
    return _summary(path, table.shape[1], vocabulary, likeness[1:])


def _summary(path: Path, size: int, vocabulary: Vocabulary, likeness: NDArray[np.int8]) -> VectorsRead:
    """likeness int8[words]: without that of `<unk>`, which is no word."""
    counts = np.array(vocabulary.counts[UNK + 1 :], np.int64)
    return VectorsRead(
        str(path),
        size,
        words=len(counts),
        exactly=int((likeness == EXACT).sum()),
        by_case=int(np.isin(likeness, (LOWER, OTHER_CASE)).sum()),
        by_parts=int((likeness == BY_PARTS).sum()),
        unseen=int((counts == 0).sum()),
        share=int(counts[likeness > MISSING].sum()) / max(1, sum(vocabulary.counts)),
    )


def drawn(word: str, seed: int, size: int) -> NDArray[np.float64]:
    """float64[size], uniform with mean 0 and variance 1: a function of (word, seed) alone.

    The bits are those of SHAKE-256 (FIPS 202), so that the vector of a word does not depend on other words or its id.
    """
    bits = hashlib.shake_256(f"{seed} {word}".encode()).digest(4 * size)
    return math.sqrt(3.0) * ((np.frombuffer(bits, "<u4") + 0.5) / 2**31 - 1)
