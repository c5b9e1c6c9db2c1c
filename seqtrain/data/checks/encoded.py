"""The texts of all splits as token ids, encoded the way `fit` does it when it skips bad rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqtrain.data.checks.survey import Survey
from seqtrain.data.corpus import Corpus, MoreWords, build_corpora, encode_corpus
from seqtrain.data.problems import Problems
from seqtrain.data.splits import Splits
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Encoded:
    """The corpora by split; a test split without a usable row is left out."""

    corpora: Mapping[str, Corpus]
    vocabulary: Vocabulary


def can_be_encoded(found: Survey) -> bool:
    """Whether there is something to train on and to measure on once the bad rows are left out."""
    labels = int(np.count_nonzero(found.counts("train")))
    return labels >= 2 and _can_be_used(found, "train") and _can_be_used(found, "dev")


def encode(
    splits: Splits,
    found: Survey,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    min_count: int,
    max_size: int,
    processes: int,
    more_words: MoreWords | None = None,
) -> Encoded:
    """Writes the corpora to a folder. The rows must be such that they `can_be_encoded`."""
    train, dev, vocabulary, labels = build_corpora(
        splits.read("train"),
        splits.dev if isinstance(splits.dev, float) else splits.read("dev"),
        folder,
        tokenizer,
        min_count=min_count,
        max_size=max_size,
        split_seed=splits.split_seed,
        more_words=more_words,
        processes=processes,
        problems=_skipping(),
    )
    corpora = {"train": train, "dev": dev}
    if "test" in found.rows and _can_be_used(found, "test"):
        rows, test = splits.read("test"), folder / "test"
        corpora["test"] = encode_corpus(
            rows, test, tokenizer, vocabulary, labels, _skipping(), processes=processes
        )
    return Encoded(corpora, vocabulary)


def _can_be_used(found: Survey, split: str) -> bool:
    """Whether all of a split can be read, and some row has a label that train has."""
    source = found.sources.get(split, found.sources["train"])
    return not source.failure and bool(found.counts(split)[found.counts("train") > 0].any())


def _skipping() -> Problems:
    return Problems(rejected=lambda row: None)
