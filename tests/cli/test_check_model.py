"""`seqtrain check model`, at the front door: right models pass, and planted faults are told from one another."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from seqtrain.cli.check.model import command
from seqtrain.run import Run
from seqtrain.run.tensors import write_tensors
from tests.cli.command import Result, seqtrain, tree
from tests.cli.conftest import Fitted
from tests.crashes.process import forked
from tests.invariants import test_onnx_laws as faults
from tests.onnx_models import model_bytes
from tests.project import TEST, TRAIN
from tests.shapes import Shape
from tests.wide_run import add_wide_path

MODEL_LAWS = (
    "graph",
    "more padding",
    "other padding content",
    "other batch mates",
    "another order",
    "batch size 1 against 64",
)
TRAINING_LAWS = ("ONNX and TensorFlow", "gradient of padding", "gradients, more padding")


def check(*arguments: str | Path, cwd: Path) -> Result:
    return forked("check", "model", *arguments, cwd=cwd)


def marks(result: Result) -> dict[str, str]:
    """The title of each law with its mark."""
    return {title: mark for mark, title in re.findall(r"^([✔✘]) (.*?)  ", result.stdout, re.MULTILINE)}


def broken(result: Result) -> set[str]:
    return {title for title, mark in marks(result).items() if mark == "✘"}


@pytest.fixture
def copied(fitted: Fitted, tmp_path: Path) -> Path:
    """The project, to be changed."""
    return shutil.copytree(fitted.folder, tmp_path / "project")


def examples() -> list[str]:
    """Those at the end of its help."""
    return [line.strip() for line in (command.help or "").split("Examples:\n")[1].strip().splitlines()]


@pytest.mark.parametrize("line", examples())
def test_the_examples_work_and_change_nothing(copied: Path, line: str) -> None:
    shutil.copy(copied / "runs" / "reviews" / "model.onnx", copied)
    (copied / "new.txt").write_text("good\n")
    before = tree(copied)
    result = forked(*shlex.split(line)[1:], cwd=copied)
    assert result.exit_code == 0, result.stderr
    assert "hold" in result.stdout
    assert tree(copied) == before


def test_a_run(fitted: Fitted) -> None:
    before = tree(fitted.folder)
    result = seqtrain("check", "model", "--run", "runs/reviews", cwd=fitted.folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert marks(result) == dict.fromkeys([*MODEL_LAWS, *TRAINING_LAWS], "✔")
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        "Texts",
        f"  {len(TRAIN) // 4} texts: train.tsv, part of which is the dev split of the run's config",
    ]
    assert re.fullmatch(r"  \d+ nasty texts", lines[2])
    assert "✔ more padding                changes nothing         0" in lines
    assert re.fullmatch(r"all 9 laws hold on 100 texts and \d+ nasty ones", lines[-1])
    assert tree(fitted.folder) == before


def test_a_run_with_a_wide_path(copied: Path) -> None:
    run = Run(copied / "runs" / "reviews")
    add_wide_path(run.path)
    result = forked("check", "model", "--run", "runs/reviews", cwd=copied)
    assert (result.exit_code, result.stderr) == (0, "")
    assert marks(result) == dict.fromkeys([*MODEL_LAWS, *TRAINING_LAWS], "✔")
    weights = load_file(run.weights_file)
    write_tensors(run.weights_file, {**weights, "wide.scale": weights["wide.scale"] / 2})
    run.seal()
    result = forked("check", "model", "--run", "runs/reviews", cwd=copied)
    assert (result.exit_code, broken(result)) == (6, {"ONNX and TensorFlow"})


def test_a_model_file_by_itself(fitted: Fitted, tmp_path: Path) -> None:
    shutil.copy(fitted.run / "model.onnx", tmp_path / "m.onnx")
    result = check("--run", "m.onnx", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert marks(result) == dict.fromkeys(MODEL_LAWS, "✔")
    assert result.stdout.startswith("Texts\n  200 texts: made up of the model's words\n")
    assert re.search(r"\nall 6 laws hold on 200 texts and \d+ nasty ones\n$", result.stdout)


def test_texts_of_a_file_as_json(fitted: Fitted, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("good\n\nthe plot is bad\n")
    result = check("--run", fitted.run / "model.onnx", "--data", "new.txt", "--json", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert (found["passed"], found["warnings"], found["errors"]) == (6, 0, 0)
    assert found["sections"]["texts"]["facts"]["texts"] == 3
    facts = found["sections"]["model"]["facts"]
    assert facts["padding_content"] == {"holds": True, "tolerance": 0.0, "difference": 0.0, "where": ""}
    assert list(facts) == ["more_padding", "padding_content", "batch_mates", "order", "batch_size"]


COMPANY = {"other batch mates", "batch size 1 against 64"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.mean_divided_by_padded_time, {"more padding", *COMPANY}),
        (faults.without_lengths, {"more padding", "other padding content", *COMPANY}),
        (faults.ngrams_over_padding, {"more padding", "other padding content", *COMPANY}),
    ],
)
def test_a_planted_fault_in_a_model_file(fault, expected, copied: Path, tmp_path: Path) -> None:
    add_wide_path(copied / "runs" / "reviews")
    model = onnx.load(copied / "runs" / "reviews" / "model.onnx")
    fault(model)
    onnx.save(model, tmp_path / "m.onnx")
    result = check("--run", "m.onnx", "--data", copied / "test.tsv", cwd=tmp_path)
    count = len(expected) + 1
    assert broken(result) == {"graph", *expected}
    assert (result.exit_code, result.stderr) == (
        6,
        f"error: m.onnx: {count} of 6 laws are broken\n  See the lines with ✘.\n",
    )
    place = r"(.*test\.tsv:\d+|nasty text '.+')"
    worst = rf"\n✘ more padding +differs +\S+\n    {place}: probability of (pos|neg) \S+ → \S+\n  → "
    assert re.search(worst, result.stdout)
    assert re.search(
        rf"\n{count} of 6 laws are broken on {len(TEST)} texts and \d+ nasty ones\n$", result.stdout
    )


def test_a_model_without_an_answer(tmp_path: Path) -> None:
    model = onnx.load_from_string(model_bytes(Shape()))
    (scores,) = (node for node in model.graph.node if node.output[0] == "logits")
    one_row = faults.stored(model, "one row", np.zeros((1, 3), np.float32))
    more_rows = onnx.helper.make_node("Concat", ["scores", one_row], ["logits"], axis=0)
    scores.output[0] = "scores"
    model.graph.node.insert(list(model.graph.node).index(scores) + 1, more_rows)
    onnx.save(model, tmp_path / "m.onnx")
    result = check("--run", "m.onnx", cwd=tmp_path)
    assert (result.exit_code, broken(result)) == (6, set(MODEL_LAWS))
    reason = "the answer to a batch of 64 is not a probability for each label"
    assert f"\n✘ more padding                no answer\n    {reason}\n" in result.stdout


def mean_over_padded_time() -> None:
    """A fault in the code that trains, which this process is to have."""
    from dataclasses import replace

    import tensorflow as tf

    from seqtrain.model import pooling

    def mean(outputs, lengths, kernel):
        return tf.concat([tf.reduce_mean(direction, axis=0) for direction in outputs], axis=1)

    pooling.POOLINGS["mean"] = replace(pooling.POOLINGS["mean"], pool=mean)


def test_a_fault_in_training(fitted: Fitted) -> None:
    result = forked("check", "model", cwd=fitted.folder, before=mean_over_padded_time)
    assert result.exit_code == 6
    assert broken(result) == {"ONNX and TensorFlow"}
    assert "\nerror: runs/reviews: 1 of 9 laws are broken\n" in result.stderr


def test_a_run_without_its_data(copied: Path) -> None:
    info = copied / "runs" / "reviews" / "run.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "start_folder": str(copied)}))
    (copied / "train.tsv").unlink()
    result = forked("check", "model", cwd=copied)
    assert result.exit_code == 0
    assert result.stdout.startswith("Texts\n  200 texts: made up of the model's words\n")
    assert "\n⚠ train.tsv: no such file\n  → Name a file of texts with --data.\n" in result.stdout


@pytest.mark.parametrize("file", ["model.onnx", "weights.safetensors"])
def test_a_run_with_another_file(copied: Path, file: str) -> None:
    (copied / "runs" / "reviews" / file).write_bytes(b"-")
    result = forked("check", "model", "--run", "runs/reviews", cwd=copied)
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        4,
        f"error: runs/reviews/{file}: is damaged: it is not the file that `seqtrain fit` wrote",
    )


def test_data_that_are_missing(fitted: Fitted) -> None:
    result = check("--run", "runs/reviews", "--data", "none.txt", cwd=fitted.folder)
    assert result == (3, "", "error: none.txt: no such file\n  Paths start where the command runs.\n")
