"""An opened run: a model with random weights in a run folder, no training."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain import load
from seqtrain.config import load_config
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError, RunError, UsageError
from seqtrain.evaluation.calibration import brier_score, mean_log_loss
from seqtrain.inference import predictor
from seqtrain.inference.metadata import Decision
from seqtrain.run.provenance import file_hashes
from seqtrain.settings import data_splits
from seqtrain.trained import LONGEST_LINE, Prediction, TrainedModel, open_model
from tests import decided_models, oracles
from tests.onnx_models import (
    LABELS,
    NGRAMS,
    TOKENIZER,
    VOCABULARY,
    WORDS,
    model_bytes,
    oracle_logits,
    write_model,
)
from tests.shapes import Shape

COMPANY_TOLERANCE = 1e-6  # other batches may be blocked differently in a matrix product

TEXTS = ["A joy to watch!", "not bad", "", "dull and long and dull", "¿?", "joy", "bad bad bad", "to watch"]
ROWS = [(LABELS[number % 3], text or "a", number) for number, text in enumerate(TEXTS * 3, start=1)]

texts = st.lists(st.lists(st.sampled_from([*WORDS, "unheard-of"]), max_size=20).map(" ".join), max_size=12)


def write_rows(path: Path, rows: list[tuple[str, str, int]]) -> Path:
    path.write_text("label\ttext\tweight\n" + "".join(f"{a}\t{b}\t{c}\n" for a, b, c in rows), "utf-8")
    return path


def write_run(folder: Path, data: str) -> Path:
    """A run in FOLDER/runs/random, as `fit` leaves it where `data` is the config's section of that name."""
    run = folder / "runs" / "random"
    (run / "metrics").mkdir(parents=True)
    (run / "config.yaml").write_text(f"data: {{{data}}}\n")
    reading = data_splits(load_config(run / "config.yaml")).reading().facts()
    hashes = {path.name: digest for path in folder.glob("*.tsv") for digest in file_hashes([path]).values()}
    write_model(run, model_bytes(Shape()), start_folder=str(folder), data_sha256=hashes, reading=reading)
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `fit` was run; the data have a header and no weights in use."""
    folder = tmp_path_factory.mktemp("project")
    write_rows(folder / "train.tsv", ROWS)
    write_rows(folder / "test.tsv", ROWS[5:16])
    write_run(folder, "train: train.tsv, dev: 0.5, test: test.tsv, columns: {label: label, text: text}")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> TrainedModel:
    return load(folder / "runs" / "random", threads=1)


def test_a_prediction_has_every_label_in_order_and_the_most_probable_one(model: TrainedModel) -> None:
    assert model.labels == LABELS
    for answer in model.predict(TEXTS):
        assert list(answer.probabilities) == LABELS
        assert answer.probability == max(answer.probabilities.values())
        assert answer.probabilities[answer.label] == answer.probability
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_the_surest_labels_first_and_ties_in_order() -> None:
    answer = Prediction("b", 0.4, {"a": 0.2, "b": 0.4, "c": 0.2, "d": 0.2})
    assert answer.top(3) == [("b", 0.4), ("a", 0.2), ("c", 0.2)]
    assert answer.top(9) == [("b", 0.4), ("a", 0.2), ("c", 0.2), ("d", 0.2)]


def test_one_answer_for_each_text_and_none_for_none(model: TrainedModel) -> None:
    assert len(model.predict(TEXTS)) == len(TEXTS)
    assert model.predict([]) == []


def test_a_single_text_is_not_a_list(model: TrainedModel) -> None:
    with pytest.raises(TypeError, match="put a single one into a list"):
        model.predict("a joy")


@settings(max_examples=40, deadline=None)
@given(texts, texts, st.randoms())
def test_an_answer_does_not_depend_on_the_company(
    model: TrainedModel, some: list[str], others: list[str], random: Any
) -> None:
    together = some + others
    random.shuffle(together)
    answers = dict(zip(together, model.predict(together), strict=True))
    for text in some:
        (alone,) = model.predict([text])
        assert answers[text].probabilities == pytest.approx(alone.probabilities, abs=COMPANY_TOLERANCE)


def test_a_stream_keeps_each_row_with_its_answer(model: TrainedModel) -> None:
    rows = [Example(text, None, 1.0, "", line) for line, text in enumerate(TEXTS * 300)]
    answered = list(model.stream(iter(rows)))
    assert [row for row, _ in answered] == rows
    alone = dict(zip(TEXTS, model.predict(TEXTS), strict=True))
    for row, answer in answered:
        assert answer.probabilities == pytest.approx(alone[row.text].probabilities, abs=COMPANY_TOLERANCE)


def accuracy(model: TrainedModel, rows: list[tuple[str, str, int]]) -> float:
    answers = model.predict([text for _, text, _ in rows])
    return float(np.mean([answer.label == label for answer, (label, *_) in zip(answers, rows, strict=True)]))


def test_metrics_are_those_of_the_predictions(model: TrainedModel) -> None:
    """By default of the test split."""
    metrics = model.evaluate()
    assert metrics["rows"] == 11
    assert metrics["accuracy"] == pytest.approx(accuracy(model, ROWS[5:16]))
    assert list(metrics["per_class"]) == LABELS


def test_metrics_do_not_depend_on_the_batch_size(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = model.evaluate()
    monkeypatch.setattr(predictor, "WINDOW_TEXTS", 3)
    monkeypatch.setattr(predictor, "MAX_BATCH", 2)
    monkeypatch.setattr(predictor, "BATCH_TOKENS", 7)
    other = model.evaluate()
    for metrics in (usual, other):
        del metrics["intervals"], metrics["calibration"]
    for metric in ("log_loss", "brier", "ece"):
        assert other.pop(metric) == pytest.approx(usual.pop(metric), abs=COMPANY_TOLERANCE)
    assert other == usual


def test_metrics_of_files_by_their_names(model: TrainedModel, tmp_path: Path) -> None:
    first, second = write_rows(tmp_path / "a.tsv", ROWS[:4]), write_rows(tmp_path / "b.tsv", ROWS[4:])
    both = model.evaluate([first, str(second)])
    assert both == model.evaluate(str(tmp_path / "*.tsv"))
    assert both["accuracy"] == pytest.approx(accuracy(model, ROWS))
    assert model.evaluate(first)["rows"] == 4


def test_a_weight_counts_like_so_many_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.tsv", ROWS[:6])
    columns = "columns: {label: label, text: text, weight: weight}"
    model = load(write_run(tmp_path, f"train: train.tsv, dev: 0.5, {columns}"))
    repeated = [(label, text, 1) for label, text, weight in ROWS[:6] for _ in range(weight)]
    weighted = model.evaluate(tmp_path / "train.tsv")
    expected = model.evaluate(write_rows(tmp_path / "repeated.tsv", repeated))
    for metric in ("accuracy", "macro_f1", "log_loss"):
        assert weighted[metric] == pytest.approx(expected[metric], abs=1e-6)


def test_train_and_dev_share_all_rows_of_the_training_file(model: TrainedModel) -> None:
    train, dev = (list(model.labelled_rows(split=split)) for split in ("train", "dev"))
    assert len(train) == len(dev) == len(ROWS) // 2
    assert {row.line for row in train} | {row.line for row in dev} == set(range(2, len(ROWS) + 2))


def test_mistakes_are_the_rows_that_differ_the_surest_first(model: TrainedModel) -> None:
    metrics, mistakes = model.measure(model.labelled_rows(), model.problems())
    assert len(mistakes) == round(metrics["rows"] * (1 - metrics["accuracy"])) > 2
    assert all(mistake.prediction.label != mistake.row.label for mistake in mistakes)
    certainties = [mistake.prediction.probability for mistake in mistakes]
    assert certainties == sorted(certainties, reverse=True)
    for mistake in mistakes:
        assert mistake.prediction.label == model.predict([mistake.row.text])[0].label


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainedModel]:
    """Two models that differ in the decision alone."""
    folder = tmp_path_factory.mktemp("decided")
    models = {}
    for name, threshold in [("by a threshold", decided_models.THRESHOLD), ("as usual", None)]:
        (folder / f"{name}.onnx").write_bytes(decided_models.decided_model(threshold))
        models[name] = load(folder / f"{name}.onnx", threads=1)
    return models


def test_the_threshold_of_a_model_decides(decided: dict[str, TrainedModel]) -> None:
    model, usual = decided["by a threshold"], decided["as usual"]
    assert model.decision == Decision(decided_models.THRESHOLD, "f1", "pos")
    assert usual.decision is None
    answers, others = (one.predict(decided_models.TEXTS) for one in (model, usual))
    of_pos = [answer.probabilities["pos"] for answer in answers]
    assert of_pos == [other.probabilities["pos"] for other in others]
    expected = ["pos" if probability >= decided_models.THRESHOLD else "neg" for probability in of_pos]
    assert sorted(expected) == ["neg"] * 4 + ["pos"] * 4
    assert [answer.label for answer in answers] == expected != [other.label for other in others]
    for answer in answers:
        assert answer.probability == answer.probabilities[answer.label]
        assert answer.top(2)[0][1] == max(answer.probabilities.values()), (
            "a list in order, whatever is decided"
        )
    rows = [Example(text, None, 1.0, "", 1) for text in decided_models.TEXTS]
    assert [answer for _, answer in model.stream(rows)] == answers


def test_metrics_and_mistakes_are_of_what_is_decided(
    decided: dict[str, TrainedModel], tmp_path: Path
) -> None:
    model = decided["by a threshold"]
    labels = [answer.label for answer in model.predict(decided_models.TEXTS)]
    labels[0], labels[3] = ({"neg": "pos", "pos": "neg"}[labels[row]] for row in (0, 3))
    rows = [
        Example(text, label, 1.0, "f", 1) for text, label in zip(decided_models.TEXTS, labels, strict=True)
    ]
    metrics, mistakes = model.measure(rows, model.problems())
    assert (metrics["accuracy"], metrics["threshold"]) == (6 / 8, decided_models.THRESHOLD)
    assert {mistake.row.text for mistake in mistakes} == {decided_models.TEXTS[row] for row in (0, 3)}
    assert all(mistake.prediction.label != mistake.row.label for mistake in mistakes)
    usual, _ = decided["as usual"].measure(rows, model.problems())
    assert usual["threshold"] is None
    assert usual["accuracy"] != metrics["accuracy"]
    assert usual["log_loss"] == metrics["log_loss"]


def test_metrics_tell_what_was_before_calibration_and_what_is_after(tmp_path: Path) -> None:
    """Of a wide path too; not where the graph, a strange one, has no output that says it."""
    graph = onnx.load_from_string(model_bytes(Shape(), ngrams=NGRAMS))
    (tmp_path / "model.onnx").write_bytes(graph.SerializeToString())
    graph.graph.output.pop()
    (tmp_path / "strange.onnx").write_bytes(graph.SerializeToString())
    rows = [Example(text, label, float(weight), "f", 1) for label, text, weight in ROWS]
    encoded = [VOCABULARY.encode(TOKENIZER(row.text)) for row in rows]
    labels = np.array([LABELS.index(label) for label, _, _ in ROWS])
    weights = np.array([weight for _, _, weight in ROWS])

    model = load(tmp_path / "model.onnx")
    found, _ = model.measure(rows, model.problems())
    moments = {"before": oracles.uncalibrated, "after": oracles.model}
    for moment, oracle in moments.items():
        probabilities = oracles.softmax(oracle_logits(Shape(), encoded, NGRAMS, oracle=oracle))
        expected = brier_score(labels, probabilities, weights), mean_log_loss(labels, probabilities, weights)
        figures = found["calibration"][moment]
        assert (figures["brier"], figures["log_loss"]) == pytest.approx(expected, abs=1e-5)

    strange = open_model(tmp_path / "strange.onnx", strict=False)
    metrics, _ = strange.measure(rows, strange.problems())
    assert metrics["calibration"] == {"in_sample": False, "after": found["calibration"]["after"]}


def test_what_was_fitted_on_the_rows_is_in_sample(model: TrainedModel, folder: Path) -> None:
    """As the weights are on train and the scales on dev."""
    for split, in_sample in [("train", True), ("dev", True), ("test", False)]:
        assert model.evaluate(split=split)["calibration"]["in_sample"] == in_sample
    assert model.evaluate(folder / "test.tsv", split="dev")["calibration"]["in_sample"] is False


def test_rows_of_no_use_are_told_with_their_lines(model: TrainedModel, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "bad.tsv", [("pos", "joy", 1), ("poz", "joy", 1), ("neg", "", 1)])
    with pytest.raises(DataError) as caught:
        model.evaluate(file)
    message = str(caught.value)
    assert f"{file}:3: label 'poz' is not among neg, neutral, pos. Did you mean 'pos'?" in message
    assert f"{file}:4:5: the text is empty" in message


BAD_ROWS = [("pos", "joy", 1), ("poz", "joy", 1), ("neg", "", 1), ("neg", "bad", 1), ("neg\tx", "", 1)]


def test_a_run_that_skips_bad_rows_skips_them_here_too(tmp_path: Path) -> None:
    """Wherever it counts: a dev share is drawn from the rows that can be used."""
    columns = "columns: {label: label, text: text}"
    write_rows(tmp_path / "train.tsv", [row for good in ROWS for row in (good, ("neg", "", 1))])
    write_rows(tmp_path / "test.tsv", BAD_ROWS)
    run = write_run(tmp_path, f"train: train.tsv, dev: 0.5, test: test.tsv, bad_rows: skip, {columns}")
    model = load(run)
    assert model.evaluate()["rows"] == 2
    problems = model.problems()
    metrics, _ = model.measure(model.labelled_rows(), problems)
    assert str(problems) == "2 rows used, 3 rejected: 1 unknown label, 1 empty text, 1 extra column"
    assert metrics == model.evaluate(write_rows(tmp_path / "good.tsv", [BAD_ROWS[0], BAD_ROWS[3]]))
    train, dev = (
        {row.line for row in model.labelled_rows(split=split) if isinstance(row, Example)}
        for split in ("train", "dev")
    )
    assert sorted(train | dev) == list(range(2, 2 * len(ROWS) + 2, 2))
    assert len(train) == len(dev) == len(ROWS) // 2
    with pytest.raises(DataError, match=r"^no row is left: 1 of 1 row cannot be used: 1 unknown label"):
        model.evaluate(write_rows(tmp_path / "bad.tsv", [BAD_ROWS[1]]))


def test_where_a_split_is_read_from(
    folder: Path, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model.source("test") == f"{folder}/test.tsv, the test split of the run's config"
    monkeypatch.chdir(folder)
    assert model.source("test") == "test.tsv, the test split of the run's config"
    assert model.source("dev") == "train.tsv, part of which is the dev split of the run's config"


def test_a_dev_share_of_changed_data_is_refused(folder: Path, tmp_path: Path) -> None:
    """It would be another share, with rows in it that the model was trained on."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    info = json.loads((copy / "runs/random/run.json").read_text())
    (copy / "runs/random/run.json").write_text(json.dumps({**info, "start_folder": str(copy)}))
    model = load(copy / "runs" / "random")
    assert model.evaluate(split="dev")["rows"] == 12
    write_rows(copy / "train.tsv", ROWS[1:])
    write_rows(copy / "test.tsv", ROWS)
    with pytest.raises(DataError) as caught:
        model.evaluate(split="dev")
    assert str(caught.value) == (
        f"{copy}/train.tsv: has changed since the run was trained, which drew its dev rows from it\n"
        "  Name other rows with --data, or train again with `seqtrain fit`."
    )
    assert model.evaluate(split="test")["rows"] == 24, "a file of its own is what it is"


def test_a_split_that_the_config_lacks(tmp_path: Path) -> None:
    model = load(write_run(tmp_path, "train: train.tsv, dev: dev.tsv"))
    with pytest.raises(UsageError, match="names no test split"):
        model.evaluate()


def test_texts_of_a_file_need_no_labels(model: TrainedModel, tmp_path: Path) -> None:
    """The run's columns name the text; a .txt file has none."""
    (tmp_path / "texts.tsv").write_text("other\ttext\nx\ta joy\ny\t\n")
    (tmp_path / "texts.txt.gz").write_bytes(gzip.compress(b"a joy\n\n"))
    for name in ("texts.tsv", "texts.txt.gz"):
        rows = [row for row in model.texts(tmp_path / name) if isinstance(row, Example)]
        assert [(row.text, row.label) for row in rows] == [("a joy", None), ("", None)]


def test_lines_of_a_stream_are_texts(model: TrainedModel) -> None:
    rows = list(model.text_lines(io.BytesIO("a joy\n\nnaïve\n".encode()), "standard input"))
    assert [row.text for row in rows if isinstance(row, Example)] == ["a joy", "", "naïve"]
    assert rows[2].file == "standard input"


def test_a_line_of_a_stream_has_a_limit_of_its_own(model: TrainedModel) -> None:
    """The config's is for files."""
    lines = [b"x" * LONGEST_LINE, b"x" * (LONGEST_LINE + 1), b"joy"]
    rows = list(model.text_lines(io.BytesIO(b"\n".join(lines)), "standard input"))
    assert [type(row) for row in rows] == [Example, BadRow, Example]
    assert str(rows[1]) == "standard input:2: the line has more than 1,048,576 bytes; shorten it"


def test_a_run_without_a_model(tmp_path: Path) -> None:
    run = write_run(tmp_path, "train: train.tsv, dev: 0.5")
    (run / "model.onnx").unlink()
    with pytest.raises(RunError, match=r"model\.onnx: no such file; the status of the run is 'finished'"):
        load(run)
