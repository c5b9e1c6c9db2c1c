"""What is in a corpus, in a few figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.problems import listed
from seqtrain.data.storage import Corpus
from seqtrain.text.vocabulary import UNK

_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """Counts of rows, of their tokens, of truncated rows, of `<unk>` among the tokens, and of rows by label."""

    rows: int
    tokens: int
    truncated: int
    unknown: int
    label_counts: dict[str, int]

    @property
    def unknown_share(self) -> float:
        """The share of the tokens that are `<unk>`, 0 to 1."""
        return self.unknown / max(1, self.tokens)

    def __str__(self) -> str:
        labels = listed([f"{label} {count:,}" for label, count in self.label_counts.items()])
        figures = (
            f"{self.rows:,} rows ({labels})",
            f"{self.tokens:,} tokens",
            f"{self.unknown_share:.1%} unknown",
            f"{self.truncated:,} texts truncated",
        )
        return ", ".join(figures)


def corpus_stats(corpus: Corpus, labels: Sequence[str]) -> CorpusStats:
    """Count through a corpus with these labels, in bounded memory."""
    label_counts = np.zeros(len(labels), np.int64)
    for chunk in _chunks(corpus.labels):
        label_counts += np.bincount(chunk, minlength=len(labels))
    return CorpusStats(
        rows=len(corpus),
        tokens=len(corpus.token_ids),
        truncated=int(np.count_nonzero(corpus.truncated)),
        unknown=sum(int(np.count_nonzero(chunk == UNK)) for chunk in _chunks(corpus.token_ids)),
        label_counts=dict(zip(labels, label_counts.tolist(), strict=True)),
    )


def _chunks(values: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
