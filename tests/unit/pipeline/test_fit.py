"""The stages of a fit: what is told, what is on the disk at each, and what is left when one fails."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from seqtrain import load
from seqtrain.config import Config, config_from
from seqtrain.errors import DivergenceError, RunError, UsageError
from seqtrain.model.classifier import Classifier
from seqtrain.pipeline import export, fit, training
from seqtrain.pipeline.events import AlreadyFinished, Built, Encoded, Exported, Resumed, Started
from seqtrain.run import Run
from seqtrain.training.checkpoint import STATE
from seqtrain.training.loop import Evaluated, Finished, Stepped
from tests.cli.command import tree
from tests.project import CONFIG, write_project

OUT = Path("runs/reviews")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


def config(*overrides: str) -> Config:
    return config_from(yaml.safe_load(CONFIG), overrides)


@pytest.fixture
def older() -> dict[str, bytes | None]:
    """An older run at OUT, with the least that makes one."""
    OUT.mkdir(parents=True)
    (OUT / "run.json").write_text('{"status": "finished"}')
    (OUT / "model.onnx").write_text("of the older run")
    return tree(OUT)


def test_the_events_in_their_order_and_the_older_run_in_place_until_the_new_one_is_evaluated(
    older: dict[str, bytes | None],
) -> None:
    events: list[tuple[type, bool]] = []
    run = fit(
        config(),
        out=OUT,
        overwrite=True,
        notify=lambda event: events.append((type(event), tree(OUT) == older)),
    )
    steps = [(Stepped, False)] * 19
    assert events == [
        *[(kind, True) for kind in (Started, Encoded, Built, *[Stepped] * 19)],
        *[(Evaluated, False), *steps, (Evaluated, False), (Finished, False), (Exported, False)],
    ]
    assert run.path == OUT
    assert run.info()["status"] == "finished"


def test_going_on_tells_from_where(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(config("training.checkpoint_every=5"), out=OUT, notify=interrupt_at_step(26))
    events: list[Any] = []
    fit(config(), out=OUT, resume=True, notify=events.append)
    kinds = [type(event) for event in events]
    assert kinds == [Started, Encoded, Resumed, Built, *[Stepped] * 12, Evaluated, Finished, Exported]
    resumed = next(event for event in events if isinstance(event, Resumed))
    assert resumed == Resumed(26, "interrupted", [], ["training.checkpoint_every: 5 → null"])
    assert events[1].rows.reused, "nothing is encoded a second time"
    events.clear()
    fit(config(), out=OUT, resume=True, notify=events.append)
    assert [type(event) for event in events] == [Started, AlreadyFinished]


def interrupt_at_step(step: int) -> Callable[[Any], None]:
    def listen(event: Any) -> None:
        if isinstance(event, Stepped) and event.step == step:
            signal.raise_signal(signal.SIGINT)

    return listen


def test_a_whole_fit_traces_two_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """One to train, one to evaluate, for batches of every shape; the model's Python code runs once in each."""
    traces, features = [], Classifier.features

    def traced(self: Classifier, *inputs: Any) -> Any:
        traces.append(inputs)
        return features(self, *inputs)

    monkeypatch.setattr(Classifier, "features", traced)
    fit(config(), out=OUT)
    assert len(traces) == 2


WILD = ("training.learning_rate=1e38", "training.warmup=0", "training.schedule=constant")


@pytest.mark.parametrize(("batch", "where"), [(16, "at step 2"), (300, "on dev")])
def test_a_fit_that_diverges_leaves_the_older_run_and_nothing_else(
    older: dict[str, bytes | None], batch: int, where: str
) -> None:
    """Noticed at the next step, or at the evaluation if that comes before."""
    with pytest.raises(DivergenceError, match=f"^training diverged.* {where}"):
        fit(config(*WILD, f"training.max_batch={batch}"), out=OUT, overwrite=True)
    assert tree(OUT) == older
    assert sorted(os.listdir("runs")) == [".corpora", "reviews"]


def altered(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A thousandth is enough to notice, far too little to change a metric."""
    return {**weights, "output.bias": weights["output.bias"] + np.array([1e-3, 0], np.float32)}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('"lowercase":true', '"lowercase":false'), ('"truncate":"middle"', '"truncate":"tail"')],
)
def test_planted_fault_a_model_file_that_reads_texts_otherwise_is_not_written(
    monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    """Which the encoded texts of dev do not show."""
    metadata = export.settings.metadata

    def faulty(*arguments: Any, **keywords: Any) -> dict[str, str]:
        entries = metadata(*arguments, **keywords)
        assert right in entries["seqtrain"]
        return {**entries, "seqtrain": entries["seqtrain"].replace(right, wrong)}

    monkeypatch.setattr(export.settings, "metadata", faulty)
    with pytest.raises(RunError, match=r"^model\.onnx differs from the trained model by"):
        fit(config("tokenizer.max_length=12"), out=OUT)


def test_planted_fault_a_model_file_that_differs_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    build = export.build_onnx
    monkeypatch.setattr(export, "build_onnx", lambda weights, **shape: build(altered(weights), **shape))
    with pytest.raises(RunError) as caught:
        fit(config(), out=OUT)
    assert caught.value.exit_code == 4
    first, remedy = str(caught.value).split("\n")
    assert first.startswith("model.onnx differs from the trained model by ")
    assert remedy == "  It was not written; at most 1e-05 is allowed. The checkpoints are whole."
    run = Run(OUT)
    assert run.info()["status"] == "failed"
    assert run.info()["error"].startswith("RunError: model.onnx differs")
    assert not {"model.onnx", "weights.safetensors", "metrics/dev.json", "corpus"} & tree(OUT).keys()
    assert list(run.checkpoints()) == [19, 38]
    with pytest.raises(RunError, match=r"no such file; the status of the run is 'failed'"):
        load(OUT)


def test_the_best_weights_are_kept_though_later_ones_are_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([0.5, 0.2, 0.3, 0.2])  # a tie is no improvement
    evaluate = training.evaluate
    monkeypatch.setattr(training, "evaluate", lambda *data: {**evaluate(*data), "log_loss": next(losses)})
    events: list[Any] = []
    run = fit(config("training.epochs=4"), out=OUT, notify=events.append)
    assert events[-1].step == 38
    assert list(run.checkpoints()) == [38, 57, 76]
    best, kept = load_file(run.checkpoint(38) / STATE), load_file(run.weights_file)
    del kept["output.scale"]
    for name, weight in kept.items():
        np.testing.assert_array_equal(weight, best[f"weights/{name}"])


def test_a_run_with_a_wide_path_goes_on_to_the_same_bits() -> None:
    options = ["model.wide.ngrams=2", "training.class_weights=balanced"]
    whole = fit(config(*options), out="runs/whole")
    with pytest.raises(KeyboardInterrupt):
        fit(config(*options), out="runs/broken", notify=interrupt_at_step(26))
    broken = fit(config(*options), out="runs/broken", resume=True)
    expected, found = load_file(whole.weights_file), load_file(broken.weights_file)
    assert {"wide.table", "wide.bias", "wide.scale"} <= expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert whole.model_file.read_bytes() == broken.model_file.read_bytes()


def test_class_weights_are_those_of_the_rows() -> None:
    """A label that weighs twice is a label whose rows weigh 2."""
    rows = [line.split("\t") for line in Path("train.tsv").read_text("utf-8").splitlines()]
    lines = (f"{label}\t{text}\t{2 if label == 'pos' else 1}\n" for label, text in rows)
    Path("weighted.tsv").write_text("".join(lines), "utf-8")
    columns = ["data.columns.label=0", "data.columns.text=1"]
    plain = config(
        *columns, "training.class_weights={pos: 2}", "model.wide.ngrams=1", "data.train=weighted.tsv"
    )
    by_class = load_file(fit(plain, out="runs/class").weights_file)
    weighted = config(*columns, "data.columns.weight=2", "model.wide.ngrams=1", "data.train=weighted.tsv")
    by_row = load_file(fit(weighted, out="runs/row").weights_file)
    for name, array in by_class.items():
        if "scale" not in name and not name.startswith("wide"):  # dev, which weighs too, chooses those
            np.testing.assert_array_equal(by_row[name], array, err_msg=name)
    unweighted = load_file(fit(config(), out="runs/none").weights_file)
    assert (unweighted["output.kernel"] != by_class["output.kernel"]).any()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.class_weights={joy: 2}", "training.class_weights: no training row has the label 'joy'"),
        ("decision={metric: f1, label: joy}", "decision.label: no training row has the label 'joy'"),
    ],
)
def test_labels_that_are_not_there_are_told_before_anything_is_trained(override: str, message: str) -> None:
    section, _, value = override.partition("=")
    chosen = yaml.safe_load(value)
    overrides = (
        [f"{section}.{key}={item}" for key, item in chosen.items()] if section == "decision" else [override]
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        fit(config(*overrides), out=OUT)
    assert not OUT.exists()


def test_a_threshold_travels_with_the_model_and_is_the_best_on_dev() -> None:
    run = fit(config("decision.metric=f1", "decision.label=neg"), out=OUT)
    model = load(OUT)
    assert model.predictor.decision is not None
    threshold, metric, label = model.predictor.decision
    assert (metric, label) == ("f1", "neg")
    dev = json.loads(run.metrics_file("dev").read_bytes())
    assert dev["threshold"] == threshold
    plain = fit(config(), out="runs/plain")
    undecided = json.loads(plain.metrics_file("dev").read_bytes())
    assert dev["per_class"]["neg"]["f1"] >= undecided["per_class"]["neg"]["f1"]
    assert dev["log_loss"] == undecided["log_loss"], "probabilities are the same"
    assert dev["calibration"]["in_sample"] is True
    assert dev["calibration"]["after"]["log_loss"] == pytest.approx(dev["log_loss"])
    assert dev["calibration"]["before"].keys() == {"ece", "brier", "log_loss"}
