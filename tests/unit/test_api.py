"""`seqtrain.fit` and `seqtrain.load`, as a program uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

import seqtrain
from seqtrain.errors import DataError, RunError, UsageError
from seqtrain.trained import TrainedModel
from tests.cli.command import python
from tests.project import CONFIG, TEST, write_project

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.fixture(scope="module")
def model(project: Path) -> TrainedModel:
    """Trained from a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return seqtrain.fit("configs/reviews.yaml", out="runs/reviews")


def config() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(CONFIG)
    return values


def test_fit_gives_a_model_that_predicts_and_evaluates(model: TrainedModel) -> None:
    assert [answer.label for answer in model.predict(["great fun", "not funny"])] == ["pos", "neg"]
    assert model.evaluate()["accuracy"] > 0.8
    assert model.evaluate("test.tsv")["rows"] == len(TEST)
    assert model.run.info()["status"] == "finished"


def test_load_opens_the_same_model(model: TrainedModel) -> None:
    texts = [text for _, text in TEST]
    for opened in (
        seqtrain.load("runs/reviews"),
        seqtrain.load(Path("runs/reviews"), threads=1),
        seqtrain.load(),
    ):
        for answer, expected in zip(opened.predict(texts), model.predict(texts), strict=True):
            assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


def test_fit_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    seqtrain.fit(config(), out="runs/silent", overrides=["training.epochs=1"])
    assert capfd.readouterr() == ("", "")
    assert "epochs: 1  # --set training.epochs=1" in Path("runs/silent/config.yaml").read_text()


def test_a_mapping_is_as_good_as_a_file_and_the_same_seed_gives_the_same_bits(model: TrainedModel) -> None:
    same = seqtrain.fit(config(), out="runs/same").run
    for path, other in [(model.run.weights_file, same.weights_file), (model.run.model_file, same.model_file)]:
        assert path.read_bytes() == other.read_bytes()


def test_with_resume_a_finished_run_is_opened_and_another_one_made() -> None:
    made = seqtrain.fit(config(), out="runs/resumed", overrides=["training.epochs=1"], resume=True).run
    written = made.model_file.stat()
    again = seqtrain.fit(config(), out="runs/resumed", overrides=["training.epochs=1"], resume=True).run
    assert again.model_file.stat() == written
    assert [event["event"] for event in again.info()["history"]] == ["started", "finished"]


def test_another_seed_gives_other_weights(model: TrainedModel) -> None:
    other = seqtrain.fit(config(), out="runs/other", overrides=["training.seed=2"]).run
    assert other.weights_file.read_bytes() != model.run.weights_file.read_bytes()
    assert other.vocabulary_file.read_bytes() == model.run.vocabulary_file.read_bytes()


def test_a_run_is_overwritten_on_demand_alone(model: TrainedModel) -> None:
    with pytest.raises(RunError, match="holds a run already"):
        seqtrain.fit(config(), out=model.run.path)


@pytest.mark.parametrize(
    ("section", "error", "message"),
    [
        ({"model": {"cell": "lstmm"}}, UsageError, "config: model.cell: 'lstmm' is not one of"),
        ({"data": {"train": "train.tsv", "dev": "no.tsv"}}, DataError, "no.tsv: no such file"),
    ],
)
def test_errors_are_those_of_seqtrain(section: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        seqtrain.fit({**config(), **section}, out="runs/wrong")
    assert not Path("runs/wrong").exists()


def test_what_runs_is_kept_and_recorded(model: TrainedModel) -> None:
    """TensorFlow runs here: this test has imported it."""
    threads = tf.config.threading
    runtime = model.run.info()["runtime"]
    assert runtime["already_running"] is True
    assert runtime["inter_op_threads"] == threads.get_inter_op_parallelism_threads()
    assert runtime["intra_op_threads"] == threads.get_intra_op_parallelism_threads()


WITH_THREADS_OF_ITS_OWN = """
import tensorflow as tf
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(3)
import seqtrain
seqtrain.fit("configs/reviews.yaml", out="runs/threads", overrides=["training.threads=2", "training.epochs=1"])
print(tf.config.threading.get_inter_op_parallelism_threads(), tf.config.threading.get_intra_op_parallelism_threads())
"""


def test_threads_that_a_program_has_set_are_kept_and_recorded(project: Path) -> None:
    done = python("-c", WITH_THREADS_OF_ITS_OWN, cwd=project)
    assert (done.exit_code, done.stdout) == (0, "1 3\n")
    runtime = seqtrain.load("runs/threads").run.info()["runtime"]
    assert (runtime["inter_op_threads"], runtime["intra_op_threads"]) == (1, 3)
    assert runtime["already_running"] is True


def test_it_is_typed() -> None:
    assert (Path(seqtrain.__file__).parent / "py.typed").exists()


def test_the_tiny_corpus_is_learnt_which_single_words_do_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A linear model of single words gets at most 0.75 even of the rows it has seen (test_tiny)."""
    monkeypatch.chdir(ROOT)
    model = seqtrain.fit("configs/tiny.yaml", out=tmp_path / "tiny")
    assert model.evaluate(split="dev")["accuracy"] >= 0.85
    assert model.evaluate(split="test")["accuracy"] >= 0.85
