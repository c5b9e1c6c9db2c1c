"""What a command makes its user wait for: which heavy packages each one imports, and no TensorFlow but to train."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import Result, python
from tests.cli.conftest import Fitted

HEAVY = {
    *("asyncio", "click", "google", "h5py", "joblib", "keras", "llvmlite", "ml_dtypes", "numba", "numpy"),
    *("onnx", "onnxruntime", "pandas", "pydantic", "rich", "safetensors", "scipy", "sklearn", "tensorboard"),
    *("tensorflow", "tqdm", "yaml"),
}
SHELL = {"click"}
CONFIG = SHELL | {"pydantic", "yaml"}
MODEL = SHELL | {"numpy", "onnxruntime"}
METRICS = MODEL | {"asyncio", "joblib", "pandas", "rich", "scipy", "sklearn"}  # what scikit-learn imports
WRITER = MODEL | CONFIG | {"google", "ml_dtypes", "onnx"}

MAY_IMPORT = {
    "--help": SHELL,
    "--version": SHELL,
    "fit --help": CONFIG,
    "eval --help": SHELL | {"numpy"},
    "predict --help": SHELL,
    "check --help": SHELL,
    "check config --help": CONFIG,
    "check data --help": CONFIG,
    "check model --help": SHELL,
    "export --help": SHELL,
    "check config configs/reviews.yaml": CONFIG | {"numpy"},  # after the values are printed
    "check data configs/reviews.yaml": CONFIG | {"numpy"},
    "check model --run model.onnx": MODEL,
    "predict": MODEL,
    "predict --text good": MODEL,
    "predict --run model.onnx": MODEL,
    "predict --run model.onnx test.tsv": MODEL,
    "predict test.tsv": MODEL,
    "eval --data test.tsv": METRICS | CONFIG,
    "eval --run model.onnx --data test.tsv": METRICS,
    "export onnx out.onnx": WRITER,
    "export onnx small.onnx --quantize int8": WRITER,
}
WRONG = {
    "fit missing.yaml": CONFIG,
    "fit configs/reviews.yaml --set a=b": CONFIG,
    "check data missing.yaml": CONFIG,
}


def heavy(result: Result) -> set[str]:
    """The heavy packages that Python has imported, by its own account (`-X importtime`)."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines} & HEAVY


def called(command: str, cwd: Path) -> Result:
    return python("-X", "importtime", "-m", "seqtrain", *command.split(), cwd=cwd, stdin="good\n")


@pytest.fixture(scope="module")
def folder(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the model file by itself as well."""
    copy = tmp_path_factory.mktemp("imports") / "project"
    shutil.copytree(fitted.folder, copy)
    shutil.copy(copy / "runs" / "reviews" / "model.onnx", copy)
    return copy


@pytest.mark.parametrize("command", MAY_IMPORT)
def test_a_command_imports_nothing_heavy_that_it_does_not_need(folder: Path, command: str) -> None:
    result = called(command, folder)
    assert result.exit_code == 0, result.stderr
    assert SHELL <= heavy(result) <= MAY_IMPORT[command]


@pytest.mark.parametrize("command", WRONG)
def test_what_is_wrong_is_told_at_once(project: Path, command: str) -> None:
    result = called(command, project)
    assert result.exit_code == 2, result.stderr
    assert SHELL <= heavy(result) <= WRONG[command]


def test_bad_data_are_told_without_tensorflow(project: Path) -> None:
    (project / "train.tsv").write_text("pos\t\n")
    result = called("fit configs/reviews.yaml", project)
    assert result.exit_code == 3, result.stderr
    assert "numpy" in heavy(result)
    assert not heavy(result) & {"tensorflow", "keras", "numba", "onnxruntime", "sklearn"}


def test_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    result = python("-X", "importtime", "-c", "import seqtrain, sys; print(*sys.modules)", cwd=tmp_path)
    assert "seqtrain" in result.stdout.split()
    assert not heavy(result)
