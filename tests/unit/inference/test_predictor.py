"""Predictions from a model file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import namedtuple
from itertools import count, islice

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.corpus import encode_corpus
from seqtrain.data.reader import Example
from seqtrain.errors import DataError, RunError
from seqtrain.inference import predictor as module
from seqtrain.inference.metadata import model_metadata
from seqtrain.inference.predictor import Predictor
from seqtrain.text.vocabulary import Vocabulary
from tests import oracles
from tests.onnx_models import (
    CARD,
    LABELS,
    NGRAMS,
    SIZES,
    TOKENIZER,
    VOCABULARY,
    WORDS,
    model_bytes,
    oracle_logits,
)
from tests.shapes import Shape

ORACLE_TOLERANCE = 5e-6  # float32 against a float64 oracle
COMPANY_TOLERANCE = 1e-6  # other batches may be blocked differently in a matrix product

SHAPE = Shape()
MODEL = model_bytes(SHAPE, ngrams=NGRAMS)
TEXTS = ["A joy to watch!", "not bad", "", "dull and long and dull and long " * 3, "¿?", "joy"]

texts = st.lists(st.lists(st.sampled_from([*WORDS, "unheard-of"]), max_size=20).map(" ".join), max_size=12)


@pytest.fixture(scope="module")
def predictor():
    return Predictor(MODEL, threads=1)


def expected_probabilities(some_texts):
    encoded = [VOCABULARY.encode(TOKENIZER(text)) for text in some_texts]
    if not encoded:
        return np.empty((0, len(LABELS)))
    return oracles.softmax(oracle_logits(SHAPE, encoded, NGRAMS))


def test_labels_vocabulary_and_tokenizer_come_from_the_file(predictor):
    assert predictor.labels == LABELS
    assert predictor.vocabulary.tokens == VOCABULARY.tokens
    assert predictor.tokenizer == TOKENIZER
    assert predictor.encode("A joy!") == [2, 3, 11]


@settings(max_examples=40, deadline=None)
@given(texts)
def test_probabilities_are_the_oracles_in_the_order_of_the_texts(predictor, some_texts):
    probabilities = predictor.probabilities(some_texts)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(
        probabilities, expected_probabilities(some_texts), atol=ORACLE_TOLERANCE, rtol=0
    )


def test_a_text_without_tokens_is_one_unknown_token(predictor):
    empty, unknown = predictor.probabilities(["", "unheard"])
    np.testing.assert_array_equal(empty, unknown)


def test_a_single_text_is_not_a_list_of_letters(predictor):
    with pytest.raises(TypeError, match="list of texts"):
        predictor.probabilities("a joy")


def test_company_order_and_windows_change_only_the_rounding(predictor, monkeypatch):
    together = predictor.probabilities(TEXTS)
    monkeypatch.setattr(module, "WINDOW_TEXTS", 2)
    monkeypatch.setattr(module, "BATCH_TOKENS", 5)
    apart = predictor.probabilities(TEXTS[::-1])[::-1]
    np.testing.assert_allclose(apart, together, atol=COMPANY_TOLERANCE, rtol=0)


def test_batches_stay_within_their_tokens(predictor, monkeypatch):
    shapes = []
    call = predictor.call
    monkeypatch.setattr(predictor, "call", lambda ids, *rest: shapes.append(ids.shape) or call(ids, *rest))
    monkeypatch.setattr(module, "BATCH_TOKENS", 24)
    monkeypatch.setattr(module, "MAX_BATCH", 3)
    predictor.probabilities([*TEXTS, *TEXTS])
    assert len(shapes) > 4
    assert all(rows <= 3 and rows * time <= 24 for rows, time in shapes)


@pytest.fixture
def corpus(tmp_path):
    """Of TEXTS."""
    examples = [Example(text, "pos", 1.0, "reviews.tsv", line) for line, text in enumerate(TEXTS, start=1)]
    return encode_corpus(examples, tmp_path, TOKENIZER, VOCABULARY, LABELS)


def test_a_corpus_gets_the_probabilities_of_its_texts(predictor, corpus):
    probabilities = predictor.corpus_probabilities(corpus)
    np.testing.assert_allclose(probabilities, predictor.probabilities(TEXTS), atol=COMPANY_TOLERANCE, rtol=0)


def test_before_calibration_there_are_the_logits_of_the_parts_without_scales(predictor, corpus, monkeypatch):
    encoded = [VOCABULARY.encode(TOKENIZER(text)) for text in TEXTS]
    logits = oracle_logits(SHAPE, encoded, NGRAMS, oracle=oracles.uncalibrated)
    expected = [expected_probabilities(TEXTS), logits]
    monkeypatch.setattr(module, "BATCH_TOKENS", 24)
    assert predictor.outputs == ("probabilities", "uncalibrated")
    of_corpus = predictor.corpus_outputs(corpus, predictor.outputs)
    windows = predictor.windows(TEXTS, size=4, outputs=predictor.outputs)
    of_texts = np.concatenate([answers for _, answers in windows], axis=1)
    for found in (of_corpus, of_texts):
        np.testing.assert_allclose(found, expected, atol=ORACLE_TOLERANCE, rtol=0)


def test_nothing_but_probabilities_is_asked_for_unless_it_is_said(predictor, corpus, monkeypatch):
    asked, call = set(), predictor.call

    def watched(token_ids, lengths, outputs):
        asked.add(tuple(outputs))
        return call(token_ids, lengths, outputs)

    monkeypatch.setattr(predictor, "call", watched)
    predictor.probabilities(TEXTS)
    predictor.corpus_probabilities(corpus)
    list(predictor.stream(TEXTS))
    predictor.run(np.array([[2]], np.int32), np.array([1], np.int32))
    assert asked == {("probabilities",)}


def test_a_strange_graph_need_not_tell_what_was_before():
    model = onnx.load_from_string(MODEL)
    assert model.graph.output.pop().name == "uncalibrated"
    strange = Predictor(model.SerializeToString(), threads=1, strict=False)
    assert "not token_ids, lengths, logits, probabilities, uncalibrated" in strange.strict_problem
    assert strange.outputs == ("probabilities",)
    probabilities = np.concatenate([rows for _, (rows,) in strange.windows(TEXTS, outputs=strange.outputs)])
    np.testing.assert_allclose(probabilities, expected_probabilities(TEXTS), atol=ORACLE_TOLERANCE, rtol=0)


@pytest.mark.parametrize("window", [1, 4, 6, 1024])
def test_stream_answers_each_record_in_order(predictor, monkeypatch, window):
    monkeypatch.setattr(module, "WINDOW_TEXTS", window)
    Record = namedtuple("Record", "number text")
    records = [Record(number, text) for number, text in enumerate(TEXTS)]
    answers = list(predictor.stream(iter(records), text=lambda record: record.text))
    assert [record for record, _ in answers] == records
    np.testing.assert_allclose(
        [row for _, row in answers], expected_probabilities(TEXTS), atol=ORACLE_TOLERANCE, rtol=0
    )


def test_stream_of_nothing_is_empty(predictor):
    assert list(predictor.stream([])) == []


def test_stream_reads_one_window_ahead(predictor, monkeypatch):
    monkeypatch.setattr(module, "WINDOW_TEXTS", 3)
    numbers = count()
    list(islice(predictor.stream(f"joy{number}" for number in numbers), 4))
    assert next(numbers) == 9


@settings(max_examples=40)
@given(texts, st.integers(1, 5), st.randoms())
def test_windows_of_any_size_and_any_pauses_keep_the_order(predictor, some_texts, size, random):
    records = list(enumerate(some_texts))
    windows = predictor.windows(
        iter(records), lambda record: record[1], size=size, pauses=lambda: random.random() < 0.3
    )
    answered = [pair for window, (rows,) in windows for pair in zip(window, rows, strict=True)]
    assert [record for record, _ in answered] == records
    np.testing.assert_allclose(
        np.array([row for _, row in answered]).reshape(-1, len(LABELS)),
        expected_probabilities(some_texts),
        atol=ORACLE_TOLERANCE,
        rtol=0,
    )


def test_stream_answers_what_came_before_a_bad_row(predictor):
    def broken():
        yield from TEXTS[:3]
        raise DataError("texts.txt:4: not UTF-8")

    stream = predictor.stream(broken())
    assert [text for text, _ in islice(stream, 3)] == TEXTS[:3]
    with pytest.raises(DataError, match="4: not UTF-8"):
        next(stream)


@pytest.mark.parametrize(
    ("token_ids", "lengths", "reason"),
    [
        ([[2, 3]], [0], "lengths must be 1 to 2"),
        ([[2, 3]], [3], "lengths must be 1 to 2"),
        ([[2, -1]], [1], "token ids must be 0 to 11"),
        ([[2, 12]], [2], "token ids must be 0 to 11"),
    ],
)
def test_lengths_and_ids_that_the_model_has_not_are_refused(predictor, token_ids, lengths, reason):
    with pytest.raises(ValueError, match=reason):
        predictor.run(np.array(token_ids, np.int32), np.array(lengths, np.int32))


@pytest.mark.parametrize("threads", [1, 3])
def test_so_many_calls_run_side_by_side(monkeypatch, threads):
    """Each in its own thread alone: onnxruntime starts no others."""
    predictor = Predictor(MODEL, threads=threads)
    assert predictor._session.get_session_options().intra_op_num_threads == 1
    call, free, together = predictor.call, threading.Semaphore(threads), threading.Barrier(threads)

    def watched(*inputs):
        assert free.acquire(blocking=False), "more at a time"
        together.wait(timeout=30)  # fewer at a time would break it
        answer = call(*inputs)
        free.release()
        return answer

    monkeypatch.setattr(predictor, "call", watched)
    monkeypatch.setattr(module, "MAX_BATCH", 1)
    assert len(predictor.probabilities(["joy"] * 4 * threads)) == 4 * threads


def test_calls_not_begun_are_dropped_after_an_error(monkeypatch):
    predictor = Predictor(MODEL, threads=1)
    calls = []

    def failing(token_ids, lengths, outputs):
        calls.append(lengths)
        time.sleep(0.01)
        raise RunError("the model computes NaN")

    monkeypatch.setattr(predictor, "call", failing)
    monkeypatch.setattr(module, "MAX_BATCH", 1)
    with pytest.raises(RunError, match="NaN"):
        list(predictor.stream(["joy"] * 300))
    assert len(calls) < 300


def test_a_file_says_the_same_as_its_bytes(tmp_path, predictor):
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL)
    for named in (path, str(path)):
        np.testing.assert_array_equal(
            Predictor(named, threads=1).probabilities(TEXTS), predictor.probabilities(TEXTS)
        )


def test_a_missing_file_is_a_run_error(tmp_path):
    with pytest.raises(RunError, match=r"nowhere\.onnx: cannot be read: No such file"):
        Predictor(tmp_path / "nowhere.onnx")


def with_more_words():
    tokens = [*VOCABULARY.tokens, "more"]
    return model_bytes(SHAPE, model_metadata(LABELS, Vocabulary(tokens, [0] * len(tokens)), TOKENIZER, CARD))


def with_another_input():
    model = onnx.load_from_string(MODEL)
    model.graph.input[1].name = "sizes"
    for node in model.graph.node:
        node.input[:] = ["sizes" if name == "lengths" else name for name in node.input]
    return model.SerializeToString()


def with_output(value):
    kernel = np.full((2 * SIZES["units"], SIZES["classes"]), value)
    return model_bytes(SHAPE, **{"output.kernel": kernel, "output.bias": np.full(SIZES["classes"], value)})


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"", "is no model that seqtrain wrote"),
        (b"no model at all", "is no model that seqtrain wrote"),
        (MODEL[: len(MODEL) // 2], "is no model that seqtrain wrote: it is cut short"),
        (model_bytes(SHAPE, {}), "carries no labels"),
        (
            model_bytes(SHAPE, model_metadata(["neg", "pos"], VOCABULARY, TOKENIZER, CARD)),
            "lists 2 labels, and its arrays are for 3",
        ),
        (with_more_words(), "lists 13 words, and its arrays are for 12"),
        (with_another_input(), "its graph is none that this release builds"),
        (with_output(np.nan), r"output\.kernel has numbers that are not finite"),
        (with_output(3e38), "computes NaN"),  # finite, but not when it is multiplied
    ],
)
def test_a_file_that_is_no_good_model_is_refused_in_a_line_and_a_hint(tmp_path, damaged, reason, capfd):
    path = tmp_path / "model.onnx"
    path.write_bytes(damaged)
    with pytest.raises(RunError, match=reason) as caught:
        Predictor(path)
    message, hint = str(caught.value).splitlines()
    assert message.startswith(f"{path}: ")
    assert "seqtrain fit" in hint
    assert capfd.readouterr() == ("", "")  # onnxruntime keeps quiet


def test_a_link_is_no_model(tmp_path):
    (tmp_path / "good.onnx").write_bytes(MODEL)
    (tmp_path / "model.onnx").symlink_to("good.onnx")
    with pytest.raises(RunError, match=r"model\.onnx: cannot be read: it is a symbolic link"):
        Predictor(tmp_path / "model.onnx")


def test_nothing_heavy_is_imported():
    heavy = "tensorflow", "onnx", "sklearn", "pydantic", "scipy"
    code = (
        f"import seqtrain.inference.predictor, sys; print([name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
