"""`seqtrain eval`, against what `seqtrain predict` and `fit` say of the same rows."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import seqtrain as api
from tests.cli.command import seqtrain
from tests.cli.conftest import Fitted
from tests.crashes.process import forked
from tests.decided_models import OF_POS, TEXTS, THRESHOLD, decided_model
from tests.project import TEST, table

USED = "60 rows used, 0 rejected\n"
NEWEST = "run runs/reviews (the newest; --run takes another)\n"


@pytest.fixture(scope="module")
def predicted(fitted: Fitted) -> list[tuple[str, float]]:
    """(label, probability) of each row of the test split."""
    texts = "".join(f"{text}\n" for _, text in TEST)
    lines = seqtrain("predict", "--run", fitted.run, cwd=fitted.folder, stdin=texts).stdout.splitlines()
    return [(label, float(probability)) for label, probability in (line.split("\t") for line in lines)]


@pytest.fixture(scope="module")
def accuracy(predicted: list[tuple[str, float]]) -> float:
    return sum(label == truth for (label, _), (truth, _) in zip(predicted, TEST, strict=True)) / len(TEST)


def test_the_metrics_of_the_test_split(fitted: Fitted, accuracy: float) -> None:
    """By default of the newest run; printed, and kept in its folder."""
    result = seqtrain("eval", "--json", cwd=fitted.folder)
    read = f"reading test.tsv, the test split of the run's config\n{USED}"
    assert (result.exit_code, result.stderr) == (0, NEWEST + read)
    metrics = json.loads(result.stdout)
    assert metrics["rows"] == len(TEST)
    assert metrics["accuracy"] == pytest.approx(accuracy)
    assert [row["support"] for row in metrics["per_class"].values()] == [30, 30]
    assert json.loads((fitted.run / "metrics" / "test.json").read_text()) == metrics


def test_the_report(fitted: Fitted, accuracy: float) -> None:
    result = forked("eval", cwd=fitted.folder)
    lines = result.stdout.splitlines()
    assert lines[0] == "rows             60  95 % interval"
    assert lines[1].startswith(f"accuracy     {accuracy:.4f}  ")
    names = ["accuracy", "macro_f1", "weighted_f1", "log_loss", "brier", "ece", "roc_auc"]
    assert [line.split()[0] for line in lines[1:8]] == names
    for line in lines[1:8]:
        name, value, interval = line.split()
        low, high = interval.split("–") if name != "ece" else (value, value)
        assert float(low) <= float(value) <= float(high)
    by_label = lines.index("label  precision  recall      f1  support")
    assert [re.sub(r"\d\.\d{4}", "#", line) for line in lines[by_label + 1 : by_label + 3]] == [
        "neg       #  #  #       30",
        "pos       #  #  #       30",
    ]
    confusion = [list(map(int, line.split()[1:])) for line in lines[by_label + 5 :]]
    assert [sum(row) for row in confusion] == [30, 30]
    assert (confusion[0][0] + confusion[1][1]) / len(TEST) == pytest.approx(accuracy)


def test_a_dev_share_is_drawn_as_fit_drew_it(fitted: Fitted) -> None:
    """The very metrics that `fit` wrote, and how far they might be off; from another folder, too."""
    result = forked("eval", "--run", fitted.run, "--split", "dev", "--json", cwd=fitted.run)
    read = f"reading {fitted.folder}/train.tsv, part of which is the dev split of the run's config\n"
    assert (result.exit_code, result.stderr) == (0, f"{read}100 rows used, 0 rejected\n")
    metrics = json.loads(result.stdout)
    assert metrics["calibration"]["in_sample"] is True
    assert {
        name: value for name, value in metrics.items() if name in fitted.dev_metrics()
    } == fitted.dev_metrics()


def test_bad_rows_are_skipped_where_the_config_does(fitted: Fitted, tmp_path: Path) -> None:
    """Used and rejected rows are counted, the first twenty are shown."""
    run = tmp_path / "run"
    shutil.copytree(fitted.run, run)
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("bad_rows: error", "bad_rows: skip"))
    (tmp_path / "good.tsv").write_text(table(TEST), "utf-8")
    (tmp_path / "bad.tsv").write_text(table(TEST) + "mixed\tso so\n" + "\tso so\n" * 25, "utf-8")
    good, bad = (
        forked("eval", "--run", "run", "--data", data, "--json", cwd=tmp_path)
        for data in ("good.tsv", "bad.tsv")
    )
    assert good.stderr == USED
    assert bad.stderr.splitlines() == [
        "60 rows used, 26 rejected: 25 empty label, 1 unknown label",
        "  bad.tsv:61: label 'mixed' is not among neg, pos.",
        *(f"  bad.tsv:{line}:1: the label is empty" for line in range(62, 81)),
        "  … and 6 more",
    ]
    assert (bad.exit_code, bad.stdout) == (0, good.stdout)


def test_a_split_that_the_run_does_not_have(fitted: Fitted, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(fitted.run, run)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("test: test.tsv", "test: null"))
    assert forked("eval", "--run", "run", cwd=tmp_path) == (
        2,
        "",
        "error: the config names no test split\n  Name a file with --data, or another --split.\n",
    )


def test_other_files(fitted: Fitted, tmp_path: Path) -> None:
    """Measured together; the metrics of a split stay as they are."""
    (tmp_path / "a.tsv").write_text(table(TEST[:40]), "utf-8")
    lines = [json.dumps({"label": label, "text": text}) for label, text in TEST[40:]]
    (tmp_path / "b.jsonl").write_text("\n".join(lines))
    data = ("--data", "a.tsv", "--data", "b.jsonl")
    before = (fitted.run / "metrics").stat().st_mtime_ns
    result = forked("eval", "--run", fitted.run, *data, "--json", cwd=tmp_path)
    assert (fitted.run / "metrics").stat().st_mtime_ns == before
    expected = api.load(fitted.run).evaluate(fitted.folder / "test.tsv")
    assert json.loads(result.stdout) == expected


def test_a_file_that_the_run_was_fitted_to_is_told(fitted: Fitted, tmp_path: Path) -> None:
    """Under whatever name; and so is the test split, if its file is that of dev by now."""
    for part in ("train", "test"):
        shutil.copy(fitted.folder / f"{part}.tsv", tmp_path / f"{part} copy.tsv")
    data = ("--data", "test copy.tsv", "--data", "train copy.tsv")
    result = forked("eval", "--run", fitted.run, *data, "--json", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (
        0,
        "warning: train copy.tsv: is a training file of this run, whose weights were fitted to it; "
        "so these figures are too good\n460 rows used, 0 rejected\n",
    )
    assert json.loads(result.stdout)["calibration"]["in_sample"] is True
    project = tmp_path / "project"
    shutil.copytree(fitted.folder, project)
    info, config = (project / "runs" / "reviews" / name for name in ("run.json", "config.yaml"))
    info.write_text(info.read_text().replace(str(fitted.folder), str(project)))
    config.write_text(config.read_text().replace("dev: 0.25", "dev: test.tsv"))
    result = forked("eval", "--json", cwd=project)
    assert (result.exit_code, result.stderr.removeprefix(NEWEST)) == (
        0,
        "reading test.tsv, the test split of the run's config\n"
        "warning: test.tsv: is a dev file of this run, which chose and scaled what it answers; "
        f"so these figures are too good\n{USED}",
    )
    assert json.loads(result.stdout)["calibration"]["in_sample"] is True


def test_data_and_split_exclude_each_other(fitted: Fitted) -> None:
    result = forked("eval", "--data", "test.tsv", "--split", "test", cwd=fitted.folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\nError: --data and --split exclude each other.\n")


def test_the_misclassified_rows_the_surest_first(
    fitted: Fitted, tmp_path: Path, predicted: list[tuple[str, float]]
) -> None:
    errors = tmp_path / "errors.tsv"
    result = forked("eval", "--run", fitted.run, "--errors", errors, cwd=fitted.folder)
    assert result.exit_code == 0
    head, *rows = [line.split("\t") for line in errors.read_text("utf-8").splitlines()]
    assert head == ["file", "line", "label", "prediction", "probability", "text"]
    wrong = [
        ["test.tsv", str(line), truth, label, f"{probability:.4f}", text]
        for line, ((truth, text), (label, probability)) in enumerate(
            zip(TEST, predicted, strict=True), start=1
        )
        if label != truth
    ]
    assert wrong, "a model that errs is what this test needs"
    assert sorted(rows) == sorted(wrong)
    probabilities = [float(row[4]) for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)


GATES = [
    (("accuracy=0.1", "log_loss=5", "ece=0.9", "brier=1.9"), 0, ""),
    (
        ("accuracy=1", "log_loss=0"),
        6,
        "error: accuracy is # and must be at least 1\nlog_loss is # and must be at most 0\n",
    ),
]


@pytest.mark.parametrize(("requirements", "exit_code", "message"), GATES)
def test_requirements(fitted: Fitted, requirements: tuple[str, ...], exit_code: int, message: str) -> None:
    """The report is printed, met or not."""
    options = [option for requirement in requirements for option in ("--require", requirement)]
    result = forked("eval", "--run", fitted.run, *options, cwd=fitted.folder)
    assert result.exit_code == exit_code
    assert result.stdout.startswith("rows ")
    read = f"reading test.tsv, the test split of the run's config\n{USED}"
    assert re.sub(r"0\.\d+", "#", result.stderr) == read + message


def test_a_model_with_a_threshold(tmp_path: Path) -> None:
    """What it decides is measured."""
    (tmp_path / "model.onnx").write_bytes(decided_model(THRESHOLD))
    labels = ["pos" if probability >= THRESHOLD else "neg" for probability in OF_POS]
    rows = table([(label, text or "?") for label, text in zip(labels, TEXTS, strict=True)])
    (tmp_path / "rows.tsv").write_text(rows)
    command = ("eval", "--run", "model.onnx", "--data", "rows.tsv", "--errors", "errors.tsv", "--json")
    result = forked(*command, cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert (metrics["accuracy"], metrics["threshold"]) == (1, THRESHOLD)
    assert (tmp_path / "errors.tsv").read_text().count("\n") == 1, "nothing but the head"


MALFORMED = [
    ("accuracy", "error: 'accuracy' is not of the form metric=value\n  For example: accuracy=0.9\n"),
    ("accuracy=90", "error: accuracy can be required to be a number from 0 to 1, not '90'\n"),
    (
        "acuracy=0.9",
        "error: 'acuracy' is not one of accuracy, macro_f1, weighted_f1, log_loss, brier, ece, roc_auc. "
        "Did you mean 'accuracy'?\n",
    ),
]


@pytest.mark.parametrize(("requirement", "message"), MALFORMED)
def test_a_malformed_requirement(project: Path, requirement: str, message: str) -> None:
    """Told before the run is looked for: here is none."""
    assert forked("eval", "--require", requirement, cwd=project) == (2, "", message)
