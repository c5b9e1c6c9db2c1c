"""How much of each split the vocabulary knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqtrain.data import storage
from seqtrain.data.checks.encoded import Encoded
from seqtrain.data.checks.report import Finding, Section, counted, passed, percent, table, warning
from seqtrain.data.storage import Corpus
from seqtrain.text.vocabulary import UNK

UNKNOWN = 0.15
"""Share of unknown tokens from which on texts are hard to tell apart."""

OBSCURE = 0.01
"""Share of texts of which more than half is unknown, from which on somebody should look at them."""

EXAMPLES = 5


@dataclass
class Coverage:
    """Counts of a split's texts, tokens, unknown tokens, and texts with more than half of their tokens unknown."""

    texts: int = 0
    tokens: int = 0
    unknown: int = 0
    obscure: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def known_share(self) -> float:
        return 1 - self.unknown / self.tokens

    def facts(self) -> dict[str, Any]:
        return {
            "tokens": self.tokens,
            "known_share": self.known_share,
            "texts_mostly_unknown": self.obscure,
        }


def coverage_of(corpus: Corpus) -> Coverage:
    """Counts through a corpus in bounded memory."""
    coverage = Coverage()
    for block in storage.blocks(corpus, np.ones(len(corpus), bool)):
        unknown = np.add.reduceat(block.token_ids == UNK, np.cumsum(block.lengths) - block.lengths, dtype=int)
        obscure = np.flatnonzero(2 * unknown > block.lengths)
        coverage.tokens += len(block.token_ids)
        coverage.unknown += int(unknown.sum())
        coverage.obscure += len(obscure)
        few = obscure[: EXAMPLES - len(coverage.examples)]
        coverage.examples += [corpus.location(coverage.texts + row) for row in few]
        coverage.texts += len(block.lengths)
    return coverage


def vocabulary_section(encoded: Encoded, *, max_size: int) -> Section:
    """The section on the vocabulary and what it covers of each split."""
    known = {split: coverage_of(corpus) for split, corpus in encoded.corpora.items()}
    size = len(encoded.vocabulary)
    facts = {"size": size, "splits": {split: each.facts() for split, each in known.items()}}
    full = ", as many as vocabulary.max_size allows" if size == max_size else ""
    head = ["", "tokens", "known", "texts more than half unknown"]
    rows = [
        [split, f"{each.tokens:,}", percent(each.known_share), f"{each.obscure:,}"]
        for split, each in known.items()
    ]
    findings = [finding for split, each in known.items() for finding in _findings(split, each)]
    lines = [f"{size:,} entries{full}", *table([head, *rows])]
    return Section("vocabulary", "Vocabulary", facts, lines, findings)


def _findings(split: str, known: Coverage) -> Iterator[Finding]:
    said = f"{split}: {percent(known.known_share)} of the tokens are known"
    if known.known_share > 1 - UNKNOWN:
        yield passed(said)
    else:
        advice = "Lower vocabulary.min_count, raise vocabulary.max_size, or add such texts to train."
        yield warning(said, advice)
    if known.obscure >= OBSCURE * known.texts:
        message = f"{split}: {counted(known.obscure, 'text')} with more than half of the tokens unknown"
        advice = "Look at them: another language, another domain, or no text at all?"
        yield warning(message, advice, known.examples)
