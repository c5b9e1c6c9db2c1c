"""What must stay true of a model whatever a text meets on its way: each law asks it twice, and compares.

A law yields pairs of answers, <float32>[texts, classes], that have to be alike. Texts of like length are asked
together, `BATCH` at a time, unless the law has them asked otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqtrain.errors import RunError
from seqtrain.text.vocabulary import PAD, UNK
from seqtrain.verification.sample import SEED, Ids, Sample

EXACT = 0.0  # the same arithmetic on the same numbers: what stands in padding is never read
COMPANY_TOLERANCE = 1e-6  # in a probability; another batch may be blocked differently in a matrix product
BATCH, RAGGED_BATCH = 64, 16
POSITIONS = 1 << 14  # of a batch, padding included: 64 texts of 256 tokens
MORE_PADDING = (1, 7, 40)  # positions: the next one, no round number, and more than a vector has room for
RANDOM_PADDING = 1009  # ids that are repeated; a prime, so that they do not line up with the rows of a batch

Rows = NDArray[np.int64]
Probabilities = NDArray[np.float32]
Answer = Callable[[Ids, Ids], Probabilities]
"""token_ids [batch, time], lengths [batch] → <float32>[batch, classes]; RunError if there is none."""


class Law(NamedTuple):
    """name: a stable key. title and promise: what is done, and what may come of it. tolerance: of a difference."""

    name: str
    title: str
    promise: str
    tolerance: float
    advice: str


class Outcome(NamedTuple):
    """What a law came to. difference: the largest, None if there was no answer; where: that was, or why."""

    law: Law
    difference: float | None
    where: str

    @property
    def holds(self) -> bool:
        return self.difference is not None and self.difference <= self.law.tolerance


@dataclass(frozen=True)
class Subject:
    """A model, and what it is asked about. words: how many ids it knows."""

    answer: Answer
    sample: Sample
    labels: Sequence[str]
    words: int

    @cached_property
    def batches(self) -> list[Rows]:
        lengths = self.sample.lengths
        return cut(np.argsort(lengths, kind="stable"), lengths, BATCH)

    @cached_property
    def shuffled(self) -> list[Rows]:
        """Other batches, of texts of any length."""
        lengths = self.sample.lengths
        return cut(np.random.default_rng(SEED).permutation(len(lengths)), lengths, RAGGED_BATCH)

    @cached_property
    def base(self) -> Probabilities:
        return self.probabilities(self.batches)

    def probabilities(
        self, batches: Iterable[Rows], more: int = 0, padding: ArrayLike = (PAD,)
    ) -> Probabilities:
        """The answer for each text, asked in these batches, which `more` positions make longer than need be."""
        result = np.empty((len(self.sample.token_ids), len(self.labels)), np.float32)
        for rows in batches:
            answer = self.answer(*padded([self.sample.token_ids[row] for row in rows], more, padding))
            if answer.shape != (len(rows), len(self.labels)) or not np.isfinite(answer).all():
                raise RunError(f"the answer to a batch of {len(rows)} is not a probability for each label")
            result[rows] = answer
        return result

    def compare(self, law: Law, expected: Probabilities, got: Probabilities) -> Outcome:
        differences = np.abs(expected - got)
        text, label = np.unravel_index(differences.argmax(), differences.shape)
        change = f"{expected[text, label]:.6g} → {got[text, label]:.6g}"
        where = f"{self.sample.places[text]}: probability of {self.labels[label]} {change}"
        return Outcome(law, float(differences[text, label]), where)


def cut(rows: Rows, lengths: Ids, size: int) -> list[Rows]:
    """The rows, in their order, in batches of at most so many, and of `POSITIONS` if there is more than one in it."""
    starts, longest = [0], 0
    for end, length in enumerate(lengths[rows]):
        longest = max(longest, length)
        count = end + 1 - starts[-1]
        if count > size or (count > 1 and count * longest > POSITIONS):
            starts.append(end)
            longest = length
    return np.split(rows, starts[1:])


def padded(texts: Sequence[Ids], more: int, padding: ArrayLike) -> tuple[Ids, Ids]:
    """token_ids <int32>[batch, longest + more] with the ids of `padding`, repeated, behind the texts; the lengths."""
    lengths = np.array([len(text) for text in texts], np.int32)
    token_ids = np.resize(np.asarray(padding, np.int32), (len(texts), lengths.max() + more))
    for row, text in zip(token_ids, texts, strict=True):
        row[: len(text)] = text
    return token_ids, lengths


Pairs = Iterator[tuple[Probabilities, Probabilities]]


def more_padding(subject: Subject) -> Pairs:
    for more in MORE_PADDING:
        yield subject.base, subject.probabilities(subject.batches, more)


def padding_content(subject: Subject) -> Pairs:
    """<unk>, the most frequent word, the last one, and all sorts of words in place of <pad>."""
    more, last = MORE_PADDING[1], subject.words - 1
    expected = subject.probabilities(subject.batches, more)
    mixture = np.random.default_rng(SEED).integers(0, subject.words, RANDOM_PADDING)
    for padding in ([UNK], [min(UNK + 1, last)], [last], mixture):
        yield expected, subject.probabilities(subject.batches, more, padding)


def batch_mates(subject: Subject) -> Pairs:
    """Texts of any length together."""
    yield subject.base, subject.probabilities(subject.shuffled)


def order(subject: Subject) -> Pairs:
    yield subject.base, subject.probabilities([rows[::-1] for rows in subject.batches])
    random = np.random.default_rng(SEED)
    yield subject.base, subject.probabilities([random.permutation(rows) for rows in subject.batches])


def batch_size(subject: Subject) -> Pairs:
    yield subject.base, subject.probabilities(np.arange(len(subject.base))[:, np.newaxis])


_NOTHING = "changes nothing"
_COMPANY = f"within {COMPANY_TOLERANCE:.0e}"
_BEYOND = "Something reads beyond `lengths`: a recurrence without sequence_lens, a pooling without a mask."
_MIXED = "Something in the graph mixes the texts of a batch, or reads their padding."
LAWS: dict[Law, Callable[[Subject], Pairs]] = {
    Law("more_padding", "more padding", _NOTHING, EXACT, _BEYOND): more_padding,
    Law("padding_content", "other padding content", _NOTHING, EXACT, _BEYOND): padding_content,
    Law("batch_mates", "other batch mates", _COMPANY, COMPANY_TOLERANCE, _MIXED): batch_mates,
    Law("order", "another order", _COMPANY, COMPANY_TOLERANCE, _MIXED): order,
    Law("batch_size", f"batch size 1 against {BATCH}", _COMPANY, COMPANY_TOLERANCE, _MIXED): batch_size,
}


def outcomes(subject: Subject) -> Iterator[Outcome]:
    """What each of LAWS comes to."""
    for law, pairs in LAWS.items():
        yield examined(subject, law, pairs)


def examined(subject: Subject, law: Law, pairs: Callable[[Subject], Pairs]) -> Outcome:
    """The worst that the pairs of a law show; a model that does not answer breaks it."""
    try:
        found = [subject.compare(law, expected, got) for expected, got in pairs(subject)]
    except RunError as error:
        return Outcome(law, None, str(error).partition("\n")[0])
    return max(found, key=attrgetter("difference"))
