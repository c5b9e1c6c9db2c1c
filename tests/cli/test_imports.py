"""What a command makes its user wait for: no TensorFlow but to train, and little for a prediction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import python
from tests.cli.conftest import Fitted


def imported_by(code: list[str], cwd: Path, stdin: str = "") -> set[str]:
    """The top-level modules that Python imports for these arguments, by its own account."""
    lines = python("-X", "importtime", *code, cwd=cwd, stdin=stdin).stderr.splitlines()
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines if line.startswith("import time:")}


def imported(*arguments: str, cwd: Path, stdin: str = "") -> set[str]:
    modules = imported_by(["-m", "seqtrain", *arguments], cwd, stdin)
    assert {"seqtrain", "click"} <= modules
    return modules


def test_the_package(tmp_path: Path) -> None:
    modules = imported_by(["-c", "import seqtrain"], tmp_path)
    assert "seqtrain" in modules
    assert not modules & {"tensorflow", "numpy", "click", "pydantic", "yaml"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_needs_click_alone(tmp_path: Path, option: str) -> None:
    heavy = {"tensorflow", "numpy", "onnxruntime", "onnx", "sklearn", "pydantic", "yaml", "tqdm"}
    assert not imported(option, cwd=tmp_path) & heavy


@pytest.mark.parametrize("command", ["fit", "eval", "predict", "check", "check data", "check config"])
def test_the_help_of_a_command_needs_no_tensorflow(tmp_path: Path, command: str) -> None:
    assert not imported(*command.split(), "--help", cwd=tmp_path) & {"tensorflow", "sklearn"}


@pytest.mark.parametrize("arguments", [("missing.yaml",), ("configs/reviews.yaml", "--set", "a=b")])
def test_a_wrong_config_is_told_without_numpy(project: Path, arguments: tuple[str, ...]) -> None:
    assert not imported("fit", *arguments, cwd=project) & {"tensorflow", "numpy", "onnxruntime", "sklearn"}


@pytest.mark.parametrize("arguments", [("config", "configs/reviews.yaml"), ("data", "missing.yaml")])
def test_a_config_is_checked_without_numpy(project: Path, arguments: tuple[str, ...]) -> None:
    assert not imported("check", *arguments, cwd=project) & {"tensorflow", "numpy", "onnxruntime", "sklearn"}


def test_data_are_checked_without_tensorflow(project: Path) -> None:
    modules = imported("check", "data", "configs/reviews.yaml", cwd=project)
    assert "numpy" in modules
    assert not modules & {"tensorflow", "keras", "numba", "onnx", "onnxruntime", "sklearn"}


def test_bad_data_are_told_without_tensorflow(project: Path) -> None:
    (project / "train.tsv").write_text("pos\t\n")
    assert "tensorflow" not in imported("fit", "configs/reviews.yaml", cwd=project)


def test_eval_never_imports_tensorflow(fitted: Fitted) -> None:
    modules = imported("eval", "--data", "test.tsv", cwd=fitted.folder)
    assert "sklearn" in modules
    assert not modules & {"tensorflow", "keras", "onnx"}


@pytest.mark.parametrize("arguments", [(), ("--text", "good")])
def test_a_prediction_imports_little(fitted: Fitted, arguments: tuple[str, ...]) -> None:
    modules = imported("predict", *arguments, cwd=fitted.folder, stdin="good\n")
    assert "onnxruntime" in modules
    assert not modules & {"tensorflow", "keras", "onnx", "sklearn", "scipy", "pydantic", "yaml", "tqdm"}
