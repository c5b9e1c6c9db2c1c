"""The end of a fit: the model file says what its parts did before they were scaled, and so metrics of it do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import scipy.special
import yaml

from seqtrain import load
from seqtrain.config import config_from
from seqtrain.pipeline import fit
from seqtrain.pipeline.answer import Answer
from seqtrain.run import Run
from tests.project import CONFIG, TEST, write_project

ENGINE_TOLERANCE = 1e-5  # between the logits of two engines, of texts as short as these


def trained(folder: Path, *overrides: str) -> tuple[Run, list[np.ndarray]]:
    """A run with a wide path, and the logits on dev of parts that have not seen it."""
    seen: list[Any] = []
    dev_parts = Answer.dev_parts
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(write_project(folder))
        patch.setattr(Answer, "dev_parts", lambda *given: seen.append(dev_parts(*given)) or seen[-1])
        run = fit(config_from(yaml.safe_load(CONFIG), [*overrides]), out=Path("runs/wide").absolute())
    return run, seen[-1]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[np.ndarray]]:
    return trained(tmp_path_factory.mktemp("wide"), "model.wide.ngrams=3")


def test_the_model_tells_the_sum_of_the_parts_without_scales(fitted: tuple[Run, list[np.ndarray]]) -> None:
    run, (network, wide) = fitted
    model = load(run.path)
    texts = [row.text for row in model.labelled_rows(split="dev")]
    windows = model.predictor.windows(texts, outputs=["uncalibrated"])
    found = np.concatenate([logits for _, (logits,) in windows])
    np.testing.assert_allclose(found, network + wide, atol=ENGINE_TOLERANCE, rtol=0)
    assert min(np.abs(part).max() for part in (network, wide)) > 0.1, "neither can be left out"


def test_metrics_before_and_after_are_told_of_dev_and_test(fitted: tuple[Run, list[np.ndarray]]) -> None:
    run, _ = fitted
    model = load(run.path)
    by_fit = json.loads(run.metrics_file("dev").read_bytes())["calibration"]
    by_eval = model.evaluate(split="dev")["calibration"]
    assert by_eval.pop("in_sample") is by_fit.pop("in_sample") is True
    assert list(by_fit) == list(by_eval) == ["before", "after"]
    for moment, figures in by_fit.items():
        assert by_eval[moment] == pytest.approx(figures, abs=1e-6)

    test = model.evaluate()
    assert (test["rows"], test["calibration"]["in_sample"]) == (len(TEST), False)
    for figure in ("ece", "brier", "log_loss"):
        before, after = (test["calibration"][moment][figure] for moment in ("before", "after"))
        assert after == test[figure] != pytest.approx(before, abs=1e-4)


def test_metrics_on_dev_are_of_before_it_was_fitted_to(tmp_path: Path) -> None:
    """The model file knows the dev rows by heart, and that it agrees with what was trained has been checked."""
    run, parts = trained(tmp_path, "model.wide.refit=true", "model.wide.strength=30")
    weights = safetensors.numpy.load_file(run.weights_file)
    scales = np.concatenate([weights["output.scale"], weights["wide.scale"]])
    model, metrics = load(run.path), json.loads(run.metrics_file("dev").read_bytes())
    labels = np.array([model.labels.index(str(row.label)) for row in model.labelled_rows(split="dev")])
    for moment, logits in (("before", sum(parts)), ("after", sum(map(np.multiply, parts, scales)))):
        expected = -scipy.special.log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
        assert metrics["calibration"][moment]["log_loss"] == pytest.approx(expected, abs=1e-5)
    assert model.evaluate(split="dev")["log_loss"] < metrics["log_loss"] - 0.01
