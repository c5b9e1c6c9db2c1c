"""Each law is broken by the models that break it, and by no others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.errors import RunError
from seqtrain.inference.predictor import Predictor
from seqtrain.verification import laws
from seqtrain.verification.laws import Subject, cut, outcomes, padded
from seqtrain.verification.sample import Sample
from tests.invariants import test_onnx_laws as faults
from tests.onnx_models import LABELS, NGRAMS, SIZES, model_bytes
from tests.shapes import CELLS, POOLINGS, Shape

WORDS = SIZES["vocabulary"]
LENGTHS = [1 + 7 * number % 31 for number in range(150)]  # several batches, each of other lengths


def sample() -> Sample:
    random = np.random.RandomState(1)
    texts = [random.randint(1, WORDS, length).astype(np.int32) for length in LENGTHS]
    return Sample(texts, [f"a.tsv:{line}" for line in range(len(texts))])


def broken(answer: laws.Answer) -> set[str]:
    """The names of the laws that a model breaks."""
    subject = Subject(answer, sample(), LABELS, WORDS)
    return {outcome.law.name for outcome in outcomes(subject) if not outcome.holds}


def right(token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Three numbers of 0 to 1 for each text, of its own words alone."""
    sums = [token_ids[row, :length].sum() for row, length in enumerate(lengths)]
    return np.array([[0.1 + 0.001 * s, 0.9 - 0.001 * s, 0.0] for s in sums], np.float32)


def adding(amount: Callable[[np.ndarray, np.ndarray], object]) -> laws.Answer:
    """The right answer and, for the last label, something of what is around the text."""

    def answer(token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        answers = right(token_ids, lengths)
        answers[:, 2] += amount(token_ids, lengths)
        return answers

    return answer


def outside(token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.where(np.arange(token_ids.shape[1]) >= lengths[:, np.newaxis], token_ids, 0).sum(axis=1)


COMPANY = {"batch_mates", "batch_size"}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (lambda token_ids, lengths: 0.0, set()),
        (lambda token_ids, lengths: 1e-3 * token_ids.shape[1], {"more_padding", *COMPANY}),
        (lambda token_ids, lengths: 1e-9 * (token_ids.shape[1] - lengths), {"more_padding"}),
        (lambda token_ids, lengths: 1e-9 * outside(token_ids, lengths), {"padding_content"}),
        (lambda token_ids, lengths: 1e-3 * len(lengths), COMPANY),
        (lambda token_ids, lengths: 1e-3 * lengths.mean(), COMPANY),
        (lambda token_ids, lengths: 1e-3 * np.arange(len(lengths)), {"order", *COMPANY}),
        (lambda token_ids, lengths: 1e-8 * np.arange(len(lengths)), set()),
        (lambda token_ids, lengths: 2e-6 * (len(lengths) == 1), {"batch_size"}),
        (lambda token_ids, lengths: 0.9e-6 * (len(lengths) == 1), set()),
    ],
)
def test_each_dependence_breaks_its_laws(amount, expected):
    assert broken(adding(amount)) == expected


def test_the_worst_text_is_named():
    victim = sample().token_ids[7]

    def amount(token_ids, lengths):
        spoilt = [
            list(row[:length]) == victim.tolist() for row, length in zip(token_ids, lengths, strict=True)
        ]
        return np.where(spoilt, 0.25, 1e-6) * (len(lengths) == 1)

    found = {
        outcome.law.name: outcome for outcome in outcomes(Subject(adding(amount), sample(), LABELS, WORDS))
    }
    assert found["batch_size"].difference == 0.25
    assert found["batch_size"].where == "a.tsv:7: probability of pos 0 → 0.25"


def refuses(token_ids, lengths):
    raise RunError("m.onnx: onnxruntime refuses the model: too long", hint="Write it again.")


def one_answer_for_all(token_ids, lengths):
    return right(token_ids, lengths)[:1]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (refuses, "m.onnx: onnxruntime refuses the model: too long"),
        (one_answer_for_all, "the answer to a batch of 16 is not a probability for each label"),
        (
            adding(lambda token_ids, lengths: np.nan),
            "the answer to a batch of 16 is not a probability for each label",
        ),
    ],
)
def test_no_answer_breaks_the_law(wrong, where):
    """Of the model in question when texts of any length stand together, the right one otherwise."""

    def answer(token_ids, lengths):
        ragged = len(lengths) == laws.RAGGED_BATCH
        return (wrong if ragged else right)(token_ids, lengths)

    subject = Subject(answer, sample(), LABELS, WORDS)
    found = {outcome.law.name: outcome for outcome in outcomes(subject)}
    assert (found["batch_mates"].difference, found["batch_mates"].where) == (None, where)
    assert [name for name, outcome in found.items() if not outcome.holds] == ["batch_mates"]


@pytest.mark.parametrize(
    "shape", [Shape(cell, (pooling,)) for cell in CELLS for pooling in POOLINGS], ids=str
)
def test_every_law_holds_for_a_right_model(shape):
    assert broken(Predictor(model_bytes(shape)).run) == set()


def test_a_wide_path_over_padding_breaks_laws():
    assert broken(Predictor(model_bytes(Shape(), ngrams=NGRAMS)).run) == set()
    model = onnx.load_from_string(model_bytes(Shape(), ngrams=NGRAMS))
    faults.ngrams_over_padding(model)
    assert broken(Predictor(model.SerializeToString(), strict=False).run) == PADDING | COMPANY


PADDING = {"more_padding", "padding_content"}
BROKEN = {
    faults.without_lengths: PADDING | COMPANY,
    faults.nothing_masked: PADDING | COMPANY,
    faults.mask_guessed_from_zeros: {"padding_content"},
    # A fault that changes each answer by its text alone is for `engine` to see.
    faults.lengths_too_short_by_one: set(),
    faults.reset_before_the_product: set(),
    faults.lstm_gates_in_keras_order: set(),
    faults.directions_exchanged: set(),
}


@pytest.mark.parametrize(
    ("fault", "shape", "_"), faults.FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_planted_faults_break_laws(fault, shape, _):
    model = onnx.load_from_string(model_bytes(shape))
    fault(model)
    answer = Predictor(model.SerializeToString(), strict=False).run
    assert broken(answer) == BROKEN.get(fault, {"more_padding"} | COMPANY)


@given(
    lengths=st.lists(
        st.one_of(st.integers(1, 30), st.integers(1, 2 * laws.POSITIONS)), min_size=1, max_size=40
    ),
    size=st.integers(1, 9),
)
def test_batches_have_every_row_in_order_and_no_more_than_fits(lengths, size):
    rows = np.arange(len(lengths))[::-1]
    batches = cut(rows, np.array(lengths, np.int32), size)
    assert np.concatenate(batches).tolist() == rows.tolist()
    positions = [len(batch) * max(lengths[row] for row in batch) for batch in batches]
    assert all(1 <= len(batch) <= size for batch in batches)
    assert all(
        count <= laws.POSITIONS or len(batch) == 1 for batch, count in zip(batches, positions, strict=True)
    )
    for batch, after in pairwise(batches):  # each is as large as it may be
        one_more = [*batch, after[0]]
        assert len(one_more) > size or len(one_more) * max(lengths[row] for row in one_more) > laws.POSITIONS


@given(
    texts=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=5),
    more=st.integers(0, 5),
    padding=st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
def test_padding_stands_behind_the_texts(texts, more, padding):
    token_ids, lengths = padded([np.array(text, np.int32) for text in texts], more, padding)
    assert token_ids.shape == (len(texts), max(map(len, texts)) + more)
    assert (token_ids.dtype, lengths.dtype) == (np.int32, np.int32)
    for row, length, text in zip(token_ids.tolist(), lengths, texts, strict=True):
        assert row[:length] == text
        assert set(row[length:]) <= set(padding)
