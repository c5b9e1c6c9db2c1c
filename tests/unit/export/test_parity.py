"""The comparison that an export has to pass: what it lets through, and what it stops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqtrain.data.reader import Example
from seqtrain.errors import RunError
from seqtrain.export.parity import Parity, Quantization, Report, parity, quantization, size
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.quantization import quantized
from tests.decided_models import TEXTS as DECIDED_TEXTS
from tests.decided_models import THRESHOLD, decided_model
from tests.onnx_models import LABELS, METADATA, model_bytes, random_weights
from tests.shapes import Shape

MODEL = model_bytes(Shape())
TEXTS = ["a joy to watch", "not bad", "dull and long", "bad bad bad !", "watch", "to joy or not to joy"]
ROWS = [Example(text, LABELS[0], 1.0, "dev.tsv", line) for line, text in enumerate(TEXTS, start=1)]


def of_export(content: bytes, folder: Path) -> Parity:
    place = folder / "export.onnx"
    place.write_bytes(content)
    return parity(Predictor(MODEL), ROWS, "onnx_file", place)


def test_a_copy_answers_the_same(tmp_path):
    found = of_export(MODEL, tmp_path)
    assert (found.dev, found.other_labels, found.problem()) == (len(ROWS), 0, "")
    assert found.nasty > 40
    assert found.largest_difference <= 1e-6


FAULTS = {
    "another word in a place": {"embedding": random_weights(Shape())["embedding"][::-1]},
    "a slightly other bias": {"output.bias": random_weights(Shape())["output.bias"] + [0, 0, 1e-4]},
}


@pytest.mark.parametrize("replaced", FAULTS.values(), ids=FAULTS)
def test_what_answers_otherwise_is_stopped(tmp_path, replaced):
    found = of_export(model_bytes(Shape(), **replaced), tmp_path)
    assert found.largest_difference > 1e-5
    assert f"a probability differs by {found.largest_difference:.1e} at {found.worst}" in found.problem()
    with pytest.raises(RunError, match=r"^out: the export fails its check: .*\n  It was not written\.$"):
        Report(1, found).raise_if_bad(Path("out"))


def test_labels_that_are_named_otherwise_are_stopped(tmp_path):
    exchanged = METADATA["seqtrain"].replace('"neg","neutral"', '"neutral","neg"')
    assert exchanged != METADATA["seqtrain"]
    found = of_export(model_bytes(Shape(), {**METADATA, "seqtrain": exchanged}), tmp_path)
    assert found.largest_difference <= 1e-6
    assert found.other_labels > 0
    assert f"{found.other_labels:,} of {found.dev + found.nasty} texts get another label" in found.problem()


def test_labels_are_those_decided_for(tmp_path):
    expected = Predictor(decided_model(THRESHOLD))
    rows = [Example(text, "neg", 1.0, "dev.tsv", line) for line, text in enumerate(DECIDED_TEXTS, start=1)]
    for threshold, others in [(THRESHOLD, 0), (None, len(rows) // 2)]:
        (tmp_path / "export.onnx").write_bytes(decided_model(threshold))
        found = parity(expected, rows, "onnx_file", tmp_path / "export.onnx")
        assert (found.other_labels >= others, found.problem() == "") == (True, others == 0)
        change = quantization(expected, Predictor(tmp_path / "export.onnx"), 1, rows)
        assert (change.accuracy_before, change.same_labels) == (0.5, 1 - others / len(rows))


def test_what_does_not_open_is_stopped(tmp_path):
    with pytest.raises(RunError, match=r"a fresh process cannot use the export: .*no model"):
        of_export(MODEL[:-1], tmp_path)


@pytest.mark.parametrize(
    ("same_labels", "accuracy", "is_good"),
    [(1.0, 0.8, True), (0.995, 0.8, True), (0.9949, 0.8, False), (1.0, 0.7951, True), (1.0, 0.7949, False)]
    + [(1.0, 0.8049, True), (1.0, 0.8051, False)],
)
def test_how_much_rounding_may_change(same_labels, accuracy, is_good):
    change = Quantization(same_labels, 0.8, accuracy, 100, 10.0, 12.0)
    assert (change.problem() == "") is is_good
    report = Report(1, Parity(9, 9, 0, 0.0, "dev.tsv:1"), change)
    if not is_good:
        with pytest.raises(RunError, match=r"accuracy goes from 0\.8000 to"):
            report.raise_if_bad(Path("out"))


def test_what_quantization_changed_is_measured():
    before, after = Predictor(MODEL), Predictor(quantized(MODEL, "m"))
    answers = np.array(before.labels)[before.probabilities(TEXTS).argmax(axis=1)]
    rows = [Example(text, str(label), 1.0, "dev.tsv", 1) for text, label in zip(TEXTS, answers, strict=True)]
    rows[0] = Example(TEXTS[0], LABELS[(LABELS.index(answers[0]) + 1) % 3], 1.0, "dev.tsv", 1)
    change = quantization(before, after, 1234, rows)
    assert (change.accuracy_before, change.bytes_before) == (pytest.approx(5 / 6), 1234)
    assert min(change.texts_per_second_before, change.texts_per_second) > 0
    other = quantization(
        before, Predictor(model_bytes(Shape(), **FAULTS["another word in a place"])), 1, rows
    )
    assert other.same_labels < 1


def test_the_size_of_a_folder_is_that_of_all_files_in_it(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "below" / "b").write_bytes(b"45")
    assert (size(tmp_path), size(tmp_path / "a")) == (5, 3)
