"""Whether the word vectors can be read, and how much of the training rows they cover."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqtrain.data.checks.report import Section, counted, passed, percent, raised, warning
from seqtrain.data.corpus import MoreWords
from seqtrain.data.vectors import BY_PARTS, MISSING, require_room, vectors_for
from seqtrain.errors import DataError, UsageError
from seqtrain.text.vocabulary import UNK, Vocabulary

COVERED = 0.85
"""Share of the training tokens with a vector up to which the file does not go with the texts or their tokenizer."""


def words_if_usable(
    vocabulary: Vocabulary, path: Path, embedding_size: int, more_words: MoreWords
) -> Sequence[str]:
    """The words that a file of vectors adds; none if something is wrong with it, which the section tells of."""
    try:
        require_room(path, embedding_size)
        return more_words(vocabulary)
    except (DataError, UsageError):
        return []


def vectors_section(path: Path, vocabulary: Vocabulary, *, embedding_size: int) -> Section:
    """The section on the vectors for the words of the training rows; what `fit` would not take is an error."""
    try:
        require_room(path, embedding_size)
        table, likeness = vectors_for(vocabulary, path)
    except (DataError, UsageError) as error:
        return Section("vectors", "Word vectors", findings=[raised(str(error))])
    counts = np.array(vocabulary.counts[UNK + 1 :])
    likeness = likeness[1:][counts > 0]
    words, found, by_parts = len(likeness), int((likeness > MISSING).sum()), int((likeness == BY_PARTS).sum())
    share = int(counts[counts > 0][likeness > MISSING].sum()) / max(1, sum(vocabulary.counts))
    facts = {"words": words, "found": found, "by_parts": by_parts, "share": share}
    lines = [
        f"{path}, {counted(table.shape[1], 'number')} a word",
        f"{found:,} of {words:,} words of train have one, {by_parts:,} of them by their parts",
    ]
    said = f"{percent(share)} of the training tokens have a vector"
    advice = "Take vectors for the language of the texts, and a tokenizer that cuts words as their file does."
    finding = passed(said) if share > COVERED else warning(said, advice)
    return Section("vectors", "Word vectors", facts, lines, [finding])
