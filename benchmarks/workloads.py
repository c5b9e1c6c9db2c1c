"""What the training benchmark trains on: generated token ids in seqtrain's own batches.

Texts take their lengths from published figures and their tokens from the rank-frequency law of words; both are such
that batches are as large, as padded and as repetitive as those of the real texts (with all defaults of a config, but 50
sentences of MR a batch; "long" and "short" are those of a round):

    a batch's average      rows   steps   real tokens   padding   distinct tokens
    IMDB reviews           32.6     284         7,717     1.6 %             1,879
    "long", generated      33.5     283         7,592     1.8 %             1,875
    MR sentences           49.4    22.3         1,084     2.3 %               497
    "short", generated     50.0    22.7         1,102     2.7 %               496

Lengths. IMDB (Maas et al. 2011): 234 words on average, median 174, log-normal; that many times 1.22 are seqtrain's
tokens, for marks count too, and 400 of them are used. MR (Pang & Lee 2005): 20 words on average (Kim 2014, table 1), 22
tokens, about normal, at most 60. They are the quantiles of these distributions, not draws: no workload is lucky.

Tokens. The token of rank r has a share of 1 / (r + 2.7)^exponent (Zipf 1949, Mandelbrot 1953; 2.7 is the fit to
English in Piantadosi 2014). The words of a real text repeat more than independent draws do; the exponent makes up for
it, so that a batch has as many distinct tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, mean

import numpy as np
from numpy.typing import NDArray

from seqtrain.config.schema import Tokenizer, Training
from seqtrain.data.batching import POOL_BATCHES, Batch, Plan, collate, plan_epoch
from seqtrain.data.storage import Corpus
from seqtrain.model.cells import CELLS
from seqtrain.text.vocabulary import PAD, SPECIAL

SEED = 1
LEARNING_RATE = 1e-3
RANK_SHIFT = 2.7
CLASSES = 2
MARKED = 0.2  # share of a text's tokens that give its label away, so that there is something to learn


@dataclass(frozen=True)
class Texts:
    """length: from a standard normal value to a number of tokens; exponent: of the rank-frequency law.

    longest: tokens, the others are cut off; padded_to: tokens, where every text is made equally long; rows: about as
    many as are sorted by length together.
    """

    length: Callable[[float], float]
    longest: int
    exponent: float
    max_batch: int
    padded_to: int
    rows: int


TEXTS = {
    "long": Texts(
        length=lambda value: 1.22 * 174 * math.exp(math.sqrt(2 * math.log(234 / 174)) * value),
        longest=Tokenizer().max_length,
        exponent=1.23,
        max_batch=Training.model_fields["max_batch"].default,
        padded_to=500,
        rows=33 * POOL_BATCHES,
    ),
    "short": Texts(
        length=lambda value: 22 + 9.5 * value,
        longest=60,
        exponent=1.14,
        max_batch=50,
        padded_to=60,
        rows=50 * POOL_BATCHES,
    ),
}


@dataclass(frozen=True)
class Workload:
    """A model and the batches of one round; plain values, ready for JSON."""

    title: str
    texts: str
    vocabulary_size: int
    embedding_size: int
    units: int
    cell: str
    batches: int

    def flops_per_token(self) -> int:
        """Of one training step of the plain model, per real token, whatever an implementation really computes.

        Two directions; a multiplication and an addition for each weight of the cell's two products; once
        forward, and backward once for the gradient of the input and once for that of the weight.
        """
        weights = CELLS[self.cell].gates * self.units * (self.embedding_size + self.units)
        return 2 * 3 * 2 * weights


WORKLOADS = {
    "long": Workload("IMDB lengths, LSTM, D = H = 128", "long", 30_000, 128, 128, "lstm", 8),
    "wide": Workload("IMDB lengths, LSTM, D = 300, H = 128", "long", 30_000, 300, 128, "lstm", 8),
    "gru": Workload("IMDB lengths, GRU, D = H = 128", "long", 30_000, 128, 128, "gru", 8),
    "vocabulary": Workload("IMDB lengths, LSTM, 100,000 words", "long", 100_000, 128, 128, "lstm", 8),
    "short": Workload("MR lengths, LSTM, D = H = 128", "short", 10_000, 128, 128, "lstm", 50),
}


def batches(workload: Workload) -> list[Batch]:
    """Those of one round, the same in every process: some of a whole plan, which stand for all in length."""
    texts = TEXTS[workload.texts]
    corpus = generate(texts, workload.vocabulary_size)
    plan = plan_epoch(
        corpus.lengths,
        seed=SEED,
        epoch=0,
        batch_tokens=Training.model_fields["batch_tokens"].default,
        max_batch=texts.max_batch,
    )
    return [collate(corpus, plan[number]) for number in _spread(corpus.lengths, plan, workload.batches)]


def _spread(lengths: NDArray[np.int32], plan: Plan, count: int) -> list[int]:
    """The numbers of `count` batches that differ in length as all of the plan do."""
    by_length = sorted(range(len(plan)), key=lambda number: int(lengths[plan[number]].max()))
    return sorted(by_length[int((place + 0.5) * len(plan) / count)] for place in range(count))


def generate(texts: Texts, vocabulary_size: int) -> Corpus:
    """Rows in random order; ids from 2, the most frequent first."""
    random = np.random.default_rng(SEED)
    lengths = random.permutation(text_lengths(texts))
    labels = random.integers(CLASSES, size=texts.rows)
    token_ids = _token_ids(texts.exponent, vocabulary_size, int(lengths.sum()), random)
    return Corpus(
        token_ids=_marked(token_ids, np.repeat(labels, lengths), random),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        labels=labels.astype(np.int32),
        weights=np.ones(texts.rows, np.float32),
        truncated=lengths == texts.longest,
        files=np.zeros(texts.rows, np.int32),
        lines=np.arange(1, texts.rows + 1),
        file_names=["generated"],
    )


def text_lengths(texts: Texts) -> NDArray[np.int64]:
    """The quantiles of the distribution, int64[rows], ascending."""
    normal = NormalDist()
    values = [texts.length(normal.inv_cdf((row + 0.5) / texts.rows)) for row in range(texts.rows)]
    return np.clip(np.rint(values), 1, texts.longest).astype(np.int64)


def _token_ids(
    exponent: float, vocabulary_size: int, count: int, random: np.random.Generator
) -> NDArray[np.int32]:
    ranks = np.arange(1, vocabulary_size - len(SPECIAL) + 1)
    cumulated = np.cumsum((ranks + RANK_SHIFT) ** -exponent)
    draws = np.searchsorted(cumulated, random.random(count) * cumulated[-1])
    return (draws + len(SPECIAL)).astype(np.int32)


def _marked(
    token_ids: NDArray[np.int32], labels: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int32]:
    """Makes some ids even in texts of label 0 and odd in those of label 1: their neighbours, about as frequent."""
    marked = random.random(len(token_ids)) < MARKED
    return np.where(marked, token_ids & ~1 | labels.astype(np.int32), token_ids)


def widened(token_ids: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """The same rows, padded further on the right."""
    return np.pad(token_ids, ((0, 0), (0, width - token_ids.shape[1])), constant_values=PAD)


def real_tokens(batches: Sequence[Batch]) -> int:
    return sum(int(batch.lengths.sum()) for batch in batches)


def averages(batches: Sequence[Batch]) -> dict[str, float]:
    """What a batch is like: rows, steps, real tokens, share of padding, distinct tokens."""
    positions = sum(batch.token_ids.size for batch in batches)
    return {
        "rows": mean(len(batch.rows) for batch in batches),
        "steps": mean(batch.token_ids.shape[1] for batch in batches),
        "tokens": real_tokens(batches) / len(batches),
        "padding": 1 - real_tokens(batches) / positions,
        "distinct": mean(len(np.setdiff1d(batch.token_ids, [PAD])) for batch in batches),
    }
