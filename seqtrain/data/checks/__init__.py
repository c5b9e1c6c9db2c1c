"""What is to be known of data before a model is trained on them: `seqtrain check data`.

The files are read twice, once for what is known of rows, and once to encode them. Texts are never kept: memory grows
by about 100 bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.batching import Plan
from seqtrain.data.checks.batches import batches_section
from seqtrain.data.checks.characters import characters_section
from seqtrain.data.checks.cost import cost_section, measured_speed
from seqtrain.data.checks.coverage import vocabulary_section
from seqtrain.data.checks.encoded import Encoded, can_be_encoded, encode
from seqtrain.data.checks.files import files_section
from seqtrain.data.checks.labels import labels_section
from seqtrain.data.checks.lengths import lengths_section
from seqtrain.data.checks.repeats import duplicates_section, overlaps_section
from seqtrain.data.checks.report import ERROR, PASSED, WARNING, Finding, Section
from seqtrain.data.checks.survey import look_through
from seqtrain.data.checks.vectors import vectors_section, words_if_usable
from seqtrain.data.corpus import MoreWords
from seqtrain.data.splits import Splits
from seqtrain.text.tokenizer import Tokenizer

__all__ = ["ERROR", "PASSED", "WARNING", "Finding", "Section", "check_data"]

MakePlan = Callable[[NDArray[np.int32]], Plan]
"""From lengths to the batches of the first epoch."""


def check_data(
    splits: Splits,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    min_count: int,
    max_size: int,
    skip_bad_rows: bool,
    processes: int,
    plan: MakePlan,
    embedding_size: int,
    recurrent_weights: int,
    more_words: MoreWords | None = None,
    vectors: Path | None = None,
) -> Iterator[Section]:
    """The sections, each as soon as it is known; without those on tokens where `fit` would find nothing to train on.

    folder: for the encoded texts; whoever made it deletes it. plan, embedding_size and recurrent_weights say what the
    model is like, as far as batches and cost depend on it; more_words as in `build_corpora`; vectors: the file of word
    vectors that they are from. OSError if the folder cannot be written to.
    """
    found = look_through(splits, tokenizer)
    yield files_section(found, skip=skip_bad_rows)
    yield labels_section(found, skip=skip_bad_rows)
    yield duplicates_section(found)
    yield overlaps_section(found)
    yield characters_section(found.oddities)
    if can_be_encoded(found):
        if vectors and more_words:
            more_words = partial(
                words_if_usable, path=vectors, embedding_size=embedding_size, more_words=more_words
            )
        encoded = encode(
            splits,
            found,
            folder,
            tokenizer,
            min_count=min_count,
            max_size=max_size,
            processes=processes,
            more_words=more_words,
        )
        yield lengths_section(encoded.corpora, max_length=tokenizer.max_length)
        yield vocabulary_section(encoded, max_size=max_size)
        if vectors:
            yield vectors_section(vectors, encoded.vocabulary, embedding_size=embedding_size)
        yield from _training(encoded, plan, embedding_size, recurrent_weights)
    else:
        yield Section("tokens", "Tokens", lines=["not looked at, as there is nothing to train on"])


def _training(
    encoded: Encoded, plan: MakePlan, embedding_size: int, recurrent_weights: int
) -> Iterator[Section]:
    train_lengths = encoded.corpora["train"].lengths
    planned = plan(train_lengths)
    yield batches_section(train_lengths, planned)
    yield cost_section(
        tokens=int(train_lengths.sum(dtype=np.int64)),
        rows=len(train_lengths),
        batches=len(planned),
        weights=len(encoded.vocabulary) * embedding_size + recurrent_weights,
        recurrent=recurrent_weights,
        speed=measured_speed(),
    )
