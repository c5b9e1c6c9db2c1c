"""`seqtrain export`: what is written works without the run; what would not is never there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import seqtrain as package
from seqtrain.cli.export import FORMS
from seqtrain.errors import RunError
from seqtrain.export import EXPORTERS, export, onnx_model
from seqtrain.inference.quantization import quantized
from seqtrain.trained import open_model
from tests.cli.command import python, seqtrain, tree
from tests.cli.conftest import Fitted
from tests.crashes.process import forked
from tests.project import TRAIN, write_project

TEXTS = "good\nnot funny at all\n\nthe 映画 was great fun …\n"


def facts(report: Path) -> dict:
    return json.loads(report.read_text())


def test_the_command_knows_every_form() -> None:
    assert list(FORMS) == list(EXPORTERS)


@pytest.mark.parametrize("quantize", [(), ("--quantize", "int8")], ids=["float32", "int8"])
def test_a_model_file_needs_nothing_else(fitted: Fitted, tmp_path: Path, quantize: tuple[str, ...]) -> None:
    result = seqtrain("export", "onnx", tmp_path / "m.onnx", *quantize, cwd=fitted.folder)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/m.onnx\n"), result.stderr
    report = facts(tmp_path / "m.onnx.check.json")
    assert (report["form"], report["quantize"]) == ("onnx", quantize[1] if quantize else None)
    assert report["bytes"] == (tmp_path / "m.onnx").stat().st_size
    assert (report["parity"]["dev"], report["parity"]["other_labels"]) == (100, 0)

    alone = tmp_path / "elsewhere"
    alone.mkdir()
    shutil.move(tmp_path / "m.onnx", alone / "moved.onnx")
    answered = seqtrain("predict", "--run", "moved.onnx", cwd=alone, stdin=TEXTS)
    expected = seqtrain("predict", cwd=fitted.folder, stdin=TEXTS)
    assert (answered.exit_code, answered.stderr) == (0, "")
    labels = [line.split("\t")[0] for line in answered.stdout.splitlines()]
    assert labels == [line.split("\t")[0] for line in expected.stdout.splitlines()]
    if not quantize:
        assert answered.stdout == expected.stdout


def test_from_python_too(fitted: Fitted, tmp_path: Path) -> None:
    shutil.copy(fitted.run / "model.onnx", tmp_path / "m.onnx")
    alone, run = package.load(tmp_path / "m.onnx"), package.load(fitted.run)
    assert alone.predict(["good", ""]) == run.predict(["good", ""])
    assert alone.card == run.card
    dev = fitted.dev_metrics()
    numbers = {name: round(value, 6) for name, value in dev.items() if isinstance(value, int | float)}
    assert alone.card["metrics"] == {"dev": numbers}
    assert alone.evaluate(fitted.folder / "test.tsv") == run.evaluate(fitted.folder / "test.tsv")


def test_a_model_file_has_no_data_of_its_own(fitted: Fitted) -> None:
    model = fitted.run / "model.onnx"
    result = forked("eval", "--run", model, cwd=fitted.folder)
    assert result.exit_code == 2
    assert result.stderr == (
        "error: a model file by itself names no data\n  Name labelled files with --data.\n"
    )
    measured = forked("eval", "--run", model, "--data", "test.tsv", "--json", cwd=fitted.folder)
    assert measured.exit_code == 0
    assert json.loads(measured.stdout)["rows"] == 60


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose run has a wide path and a threshold, which takes part in many labels after so little training."""
    folder = write_project(tmp_path_factory.mktemp("decided"))
    settings = ("decision.metric=f1", "model.wide.ngrams=3", "training.epochs=1")
    options = [option for setting in settings for option in ("--set", setting)]
    assert forked("fit", "configs/reviews.yaml", *options, cwd=folder).exit_code == 0
    predictor = open_model(folder / "runs/reviews").predictor
    of_pos = predictor.probabilities([text for _, text in TRAIN])[:, 1]
    assert np.count_nonzero((of_pos >= predictor.threshold) != (of_pos >= 0.5)) > 10
    return folder


@pytest.mark.parametrize("form", ["onnx", "onnx --quantize int8", "savedmodel", "keras"])
def test_every_form_decides_as_the_model_does(decided: Path, tmp_path: Path, form: str) -> None:
    name, *quantize = form.split()
    result = forked("export", name, str(tmp_path / "out"), *quantize, "--data", "train.tsv", cwd=decided)
    assert result.exit_code == 0, result.stderr
    parity = facts(tmp_path / "out.check.json")["parity"]
    assert (parity["dev"], parity["other_labels"]) == (len(TRAIN), 0)


def test_a_keras_model_is_a_stock_one(fitted: Fitted, tmp_path: Path) -> None:
    result = forked("export", "keras", str(tmp_path / "keras"), cwd=fitted.folder)
    assert result.exit_code == 0, result.stderr
    assert sorted(tree(tmp_path / "keras")) == [
        "decision.json",
        "labels.txt",
        "model.keras",
        "tokenizer.json",
        "vocabulary.txt",
    ]
    assert facts(tmp_path / "keras.check.json")["parity"]["other_labels"] == 0


def test_what_answers_otherwise_is_not_there(
    fitted: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(model: bytes, origin: str) -> bytes:
        with monkeypatch.context() as patch:
            patch.setattr("seqtrain.inference.quantization.LARGEST", 2)
            return quantized(model, origin)

    monkeypatch.setattr(onnx_model, "quantized", faulty)
    monkeypatch.chdir(fitted.folder)
    with pytest.raises(RunError, match=r"fails its check: .* a probability differs by"):
        export(open_model(fitted.run), "onnx", tmp_path / "m.onnx", quantize="int8")
    assert tree(tmp_path) == {}


WRONG = {
    "no such form": (("export", "tflite", "out"), 2, "Invalid value for 'FORMAT'"),
    "savedmodel in int8": (
        ("export", "savedmodel", "out", "--quantize", "int8"),
        2,
        "error: savedmodel cannot be quantized to int8\n  Leave --quantize out, or export onnx.\n",
    ),
    "a file that is there": (
        ("export", "onnx", "test.tsv"),
        4,
        "error: test.tsv: is there already\n  Replace it with --overwrite, or take another name.\n",
    ),
    "without a run": (
        ("export", "onnx", "out", "--run", "runs/reviews/model.onnx"),
        2,
        "error: a model file by itself has neither weights for other forms nor dev texts\n"
        "  Name the run folder with --run.\n",
    ),
    "no such run": (("export", "onnx", "out", "--run", "runs/rewiews"), 4, "Did you mean 'runs/reviews'?"),
    "no such data": (("export", "onnx", "out", "--data", "nothing.tsv"), 3, "nothing.tsv"),
    "nowhere to write": (("export", "onnx", "missing/out"), 4, "missing/out: cannot be written"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_told(fitted: Fitted, arguments: tuple, code: int, message: str) -> None:
    before = tree(fitted.folder)
    result = forked(*arguments, cwd=fitted.folder)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert tree(fitted.folder) == before


@pytest.mark.parametrize("out", ["runs/reviews/model.onnx", "runs/reviews", "runs", "."])
@pytest.mark.parametrize("form", ["onnx", "savedmodel"])
def test_nothing_but_an_export_is_replaced(fitted: Fitted, form: str, out: str) -> None:
    before = tree(fitted.folder)
    result = forked("export", form, out, "--overwrite", cwd=fitted.folder)
    assert result.exit_code == 4
    assert (
        f"{out}: is no export: {Path(out).name or '.'}.check.json is not beside it\n  Remove it"
        in result.stderr
    )
    assert tree(fitted.folder) == before


def test_an_export_is(fitted: Fitted, tmp_path: Path) -> None:
    out = str(tmp_path / "m.onnx")
    assert forked("export", "onnx", out, cwd=fitted.folder).exit_code == 0
    large = Path(out).stat().st_size
    again = forked("export", "onnx", out, "--quantize", "int8", "--overwrite", cwd=fitted.folder)
    assert again.exit_code == 0
    assert Path(out).stat().st_size < large


def test_a_pooling_that_keras_has_not_is_refused(tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    fit = ("fit", "configs/reviews.yaml", "--set", "model.pooling=[mean, max]", "--set", "training.epochs=1")
    assert forked(*fit, cwd=folder).exit_code == 0
    result = forked("export", "keras", "out", cwd=folder)
    assert result.exit_code == 2
    assert "cannot express the pooling max" in result.stderr
    assert not list(folder.glob("out*"))


def test_tensorflow_is_not_needed_for_a_model_file(fitted: Fitted, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from seqtrain.cli import main\n"
        f"sys.argv = ['seqtrain', 'export', 'onnx', {str(tmp_path / 'm.onnx')!r}, '--quantize', 'int8']\n"
        "main()"
    )
    assert python("-c", code, cwd=fitted.folder).exit_code == 0
    assert (tmp_path / "m.onnx").exists()
