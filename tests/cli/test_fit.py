"""`seqtrain fit`: what it says, what it writes, what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from seqtrain.config import load_config
from seqtrain.run import Run
from seqtrain.text.vocabulary import Vocabulary
from seqtrain.training.checkpoint import STATE
from tests.cli.command import seqtrain, tree
from tests.cli.conftest import Fitted
from tests.crashes.process import forked
from tests.project import CONFIG

REPORT = """\
data train # rows (neg #, pos #), # tokens, #% unknown, # texts truncated
 dev # rows (neg #, pos #), # tokens, #% unknown, # texts truncated
 # rows used, # rejected
 # entries in the vocabulary, #% padding in the batches
model bidirectional LSTM of # units, mean pooling, # weights
 TensorFlow #, # × # threads

 epoch step train loss dev loss accuracy macro F# tokens/s time
 # # # # # # # # best
 # # # # # # # # best

stopped at step #: all epochs done
best step #, dev log loss #
checked model.onnx agrees with TensorFlow on dev and # nasty texts, to # in probability
saved runs/reviews after # min
"""


def masked(report: str) -> str:
    """The report with # for each number and one blank for several."""
    return re.sub(" +", " ", re.sub(r"\d+([.,:]\d+)*(e-\d+)?", "#", report))


def journal(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def timeless(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("seconds", "tokens_per_second")}


def test_stdout_is_the_path_of_the_run_and_nothing_else(fitted: Fitted) -> None:
    assert fitted.result.stdout == "runs/reviews\n"


def test_stderr_is_the_report_and_no_line_of_tensorflow(fitted: Fitted) -> None:
    assert masked(fitted.result.stderr) == REPORT
    assert fitted.result.stderr.startswith("data      train 300 rows (neg 150, pos 150), ")


def test_the_log_is_what_stderr_said(fitted: Fitted) -> None:
    assert fitted.files["run.log"] == fitted.result.stderr.encode()


def test_the_run_folder_holds_what_it_should_and_nothing_else(fitted: Fitted) -> None:
    names = {re.sub(r"tfevents\.\d+\.", "tfevents.#.", name) for name in fitted.files}
    checkpoints = [f"checkpoints/step-{step:06d}" for step in (19, 38)]
    assert names == {
        *("config.yaml", "run.json", "run.log", "labels.txt", "vocabulary.tsv", "metrics.jsonl"),
        *("metrics", "metrics/dev.json", "events.out.tfevents.#.seqtrain", "weights.safetensors"),
        *("model.onnx", "checkpoints", *checkpoints),
        *(f"{folder}/{file}" for folder in checkpoints for file in ("manifest.json", "state.safetensors")),
    }


def test_config_labels_and_vocabulary(fitted: Fitted) -> None:
    run = Run(fitted.run)
    assert run.labels() == ["neg", "pos"]
    assert run.config() == load_config(fitted.folder / "configs" / "reviews.yaml")
    tokens = Vocabulary.load(run.vocabulary_file).tokens
    assert tokens[:2] == ["<pad>", "<unk>"]
    assert {"good", "not", "naïve", "映"} <= set(tokens)


def test_run_json_says_where_the_run_comes_from(fitted: Fitted) -> None:
    info = Run(fitted.run).info()
    assert info["status"] == "finished"
    assert info["seed"] == 1
    assert info["start_folder"] == str(fitted.folder)
    assert info["command"][1:] == ["fit", "configs/reviews.yaml"]
    assert info["versions"].keys() >= {"seqtrain", "python", "tensorflow", "numpy", "onnxruntime"}
    assert info["data_sha256"].keys() == {"train.tsv", "test.tsv"}
    runtime = info["runtime"]
    assert runtime["already_running"] is False
    assert runtime["inter_op_threads"] >= 1
    assert runtime["intra_op_threads"] >= 1


def test_the_journal_has_a_line_for_training_and_one_for_dev_at_each_evaluation(fitted: Fitted) -> None:
    events = journal(fitted.run)
    assert [(event["event"], event["step"], event["epoch"]) for event in events] == [
        *(("train", 19, 1), ("dev", 19, 1)),
        *(("train", 38, 2), ("dev", 38, 2)),
    ]
    last = events[-1]
    assert last["loss"] == pytest.approx(fitted.dev_metrics()["log_loss"], abs=1e-5)
    assert last["accuracy"] == fitted.dev_metrics()["accuracy"]


def test_the_weights_are_those_of_the_best_checkpoint(fitted: Fitted) -> None:
    best = max((event for event in journal(fitted.run) if event.get("best")), key=lambda event: event["step"])
    weights = load_file(fitted.run / "weights.safetensors")
    assert weights.pop("output.scale") > 0, "which is fitted to dev, not learnt"
    kept = load_file(Run(fitted.run).checkpoint(best["step"]) / STATE)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, kept.pop(f"weights/{name}"))
    assert {name.split("/")[0] for name in kept} == {"slots"}, "the optimizer's moments are kept, too"


@pytest.fixture(scope="module")
def repeated(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same fit in another process, over an older run."""
    older = tmp_path_factory.mktemp("repeated") / "run"
    shutil.copytree(fitted.run, older)
    (older / "left from before").touch()
    options = ("--out", older, "--overwrite", "--quiet")
    result = forked("fit", "configs/reviews.yaml", *options, cwd=fitted.folder)
    assert result == (0, f"{older}\n", "")
    return Run(older)


def test_overwrite_leaves_nothing_of_the_older_run(fitted: Fitted, repeated: Run) -> None:
    assert len(tree(repeated.path)) == len(fitted.files)
    assert not (repeated.path / "left from before").exists()
    assert sorted(os.listdir(repeated.path.parent)) == [".corpora", "run"]


def test_quiet_keeps_the_report_in_the_log(repeated: Run) -> None:
    report = REPORT.replace("runs/reviews", masked(str(repeated.path)))
    assert masked(repeated.log_file.read_text("utf-8")) == report


@pytest.mark.parametrize("name", ["weights.safetensors", "model.onnx", "vocabulary.tsv", "metrics/dev.json"])
def test_the_same_seed_gives_the_same_bits_in_another_process(
    fitted: Fitted, repeated: Run, name: str
) -> None:
    assert (repeated.path / name).read_bytes() == fitted.files[name]


def test_the_same_seed_gives_the_same_journal_but_for_the_time(fitted: Fitted, repeated: Run) -> None:
    assert list(map(timeless, journal(repeated.path))) == list(map(timeless, journal(fitted.run)))


def test_set_beats_the_file_and_is_recorded_with_its_origin(project: Path) -> None:
    """This is the second example of the help; the first made the run that these tests share."""
    overrides = ("--set", "model.cell=gru", "--set", "training.seed=2")
    result = forked("fit", "configs/reviews.yaml", "--out", "runs/gru", *overrides, cwd=project)
    assert (result.exit_code, result.stdout) == (0, "runs/gru\n")
    assert "bidirectional GRU of 8 units" in result.stderr
    config = (project / "runs/gru/config.yaml").read_text().splitlines()
    assert "  cell: gru  # --set model.cell=gru" in config
    assert "  seed: 2  # --set training.seed=2" in config
    assert sum("#" in line for line in config) == 2
    assert Run(project / "runs/gru").config().training.seed == 2


EXISTS = """\
error: runs/reviews: holds a run already
  Go on with it by --resume, replace it by --overwrite, or choose another folder by --out.
"""


def test_an_existing_run_is_refused_and_stays_as_it_is(fitted: Fitted) -> None:
    before = tree(fitted.run)
    assert seqtrain("fit", "configs/reviews.yaml", cwd=fitted.folder) == (4, "", EXISTS)
    assert tree(fitted.run) == before


def test_a_folder_that_is_no_run_is_refused_even_to_overwrite(project: Path) -> None:
    before = tree(project)
    result = seqtrain("fit", "configs/reviews.yaml", "--out", "configs", "--overwrite", cwd=project)
    assert result == (4, "", "error: configs: is there already, and is no run\n  Choose another folder.\n")
    assert tree(project) == before


CONFIG_PROBLEMS = """\
error: configs/wrong.yaml:2: vocabulary.min_cuont: unknown key. Did you mean 'vocabulary.min_count'?
configs/wrong.yaml:3: model.units: 'many' is not a whole number. Write one such as 128.
configs/wrong.yaml:4: training.epochs: 0 is too small. Write 1 or more.
--set model.cell=lstmm: model.cell: 'lstmm' is not one of lstm, gru, rnn. Did you mean 'lstm'?
"""


def test_all_problems_of_a_config_are_told_at_once_before_data_are_read(project: Path) -> None:
    wrong = CONFIG.replace("train.tsv", "missing.tsv").replace("min_count", "min_cuont")
    wrong = wrong.replace("units: 8", "units: many").replace("epochs: 2", "epochs: 0")
    (project / "configs" / "wrong.yaml").write_text(wrong)
    before = tree(project)
    result = seqtrain("fit", "configs/wrong.yaml", "--set", "model.cell=lstmm", cwd=project)
    assert result == (2, "", CONFIG_PROBLEMS)
    assert tree(project) == before


def test_a_missing_config(project: Path) -> None:
    message = "error: configs/review.yaml: no such file. Did you mean 'configs/reviews.yaml'?\n"
    assert seqtrain("fit", "configs/review.yaml", cwd=project) == (2, "", message)
