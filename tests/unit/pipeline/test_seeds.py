"""Several seeds of one config: which is chosen, what the run gets of it, and what is left wherever that ends.

A seed is "trained" here by writing what a finished run has; tests/cli/test_seeds.py trains real ones.
"""

from __future__ import annotations

import errno
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seqtrain.config import Config, config_from
from seqtrain.errors import RunError
from seqtrain.evaluation.metrics import METRICS
from seqtrain.pipeline.seeds import Comparison, SeedBegun, SeedResult, SeedsCompared, fit_seeds
from seqtrain.run import Run, newest_run
from seqtrain.run.atomic import atomic_write, write_json
from seqtrain.run.new import NewRun
from tests.cli.command import tree

OUT, ASIDE = Path("runs/reviews"), Path("runs/.reviews.new")
SCORES = {1: 0.75, 2: 0.5, 3: 0.875, 4: 0.875, 5: 0.25}  # of each seed, whatever the metric
CONFIG = {"data": {"train": "train.tsv", "dev": 0.5}, "training": {"metric": "accuracy"}}


def config(*overrides: str) -> Config:
    return config_from(CONFIG, overrides)


class Training:
    """Writes a finished run as that of a seed, or does something else instead; knows what it was asked for."""

    def __init__(self, made: Config | None = None, **instead: Callable[[Path], None]) -> None:
        self.asked: list[int] = []
        self.trained: list[int] = []
        self._config, self._instead = made or config(), instead

    def __call__(self, seed: int, place: Path) -> None:
        self.asked.append(seed)
        if act := self._instead.get(f"seed_{seed}"):
            act(place)
        with closing(NewRun(place, resume=True)) as run:
            if run.status() != "finished":
                self.trained.append(seed)
                write_seed(run, seed, self._config)
            run.promote()


def write_seed(run: NewRun, seed: int, made: Config) -> None:
    text = json.dumps(made.model_dump())
    run.config_file.write_text(
        text.replace('"seed": 1}', f'"seed": {seed}}}').replace('"seed": 1,', f'"seed": {seed},')
    )
    run.write_labels(["neg", "pos"])
    for file in (run.vocabulary_file, run.weights_file, run.model_file, run.path / "rejected.tsv"):
        atomic_write(file, f"{file.name} of {seed}".encode())
    for file in (run.log_file, run.path / "events.out.tfevents.1.seqtrain", run.path / "labels.txt.tmp"):
        file.write_text("of the seed alone")
    events = [
        {"event": "train", "step": 10, "seconds": 2.0},
        {"event": "dev", "step": 10, "seconds": 0.25, "best": seed != 2},
        {"event": "step", "step": 15},
        {"event": "train", "step": 20, "seconds": 1.5},
        {"event": "dev", "step": 20, "seconds": 0.25, "best": seed == 2},
    ]
    run.journal_file.write_text(
        "".join(f"{json.dumps(event)}\n" for event in events if seed != 2 or event["step"] > 10)
    )
    write_json(run.metrics_file("dev"), {**dict.fromkeys(METRICS, SCORES[seed]), "roc_auc": None, "rows": 4})
    run.seal()
    run.record("finished", {"status": "finished", "seed": seed, "data_sha256": {"train.tsv": "ab"}})


def fitted(
    count: int, *overrides: str, train: Callable[[int, Path], None] | None = None, **options: Any
) -> Run:
    made = config(*overrides)
    return fit_seeds(made, count, out=OUT, train=train or Training(made), **options)


def interrupted(place: Path) -> None:
    raise KeyboardInterrupt


def summary(run: Run) -> Any:
    return json.loads(run.metrics_file("seeds").read_text())


def result(seed: int, score: float, **dev: float | None) -> SeedResult:
    return SeedResult(seed, 10, score, {**dict.fromkeys(METRICS, score), **dev}, 1.0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # for the sake of time
    return tmp_path


class TestComparison:
    @pytest.mark.parametrize(
        ("metric", "scores", "chosen"),
        [
            ("accuracy", [0.5, 0.9, 0.7], 2),
            ("log_loss", [0.5, 0.9, 0.7], 1),
            ("log_loss", [0.9, 0.5, 0.7], 2),
            ("macro_f1", [0.5, 0.9, 0.9], 2),
            ("log_loss", [0.5, 0.4, 0.4], 2),
        ],
    )
    def test_the_best_is_chosen_of_equals_the_first(
        self, metric: str, scores: Sequence[float], chosen: int
    ) -> None:
        results = [result(seed, score) for seed, score in enumerate(scores, start=1)]
        assert Comparison(metric, results).chosen.seed == chosen

    def test_mean_and_standard_deviation_are_those_of_a_sample(self) -> None:
        comparison = Comparison("accuracy", [result(1, 0.0), result(2, 0.5), result(3, 1.0)])
        assert comparison.mean("accuracy") == 0.5
        assert comparison.standard_deviation("accuracy") == 0.5  # √(2 · 0.25 / 2); √(0.5 / 3) with n below

    def test_what_a_seed_has_not_all_have_not(self) -> None:
        comparison = Comparison("accuracy", [result(1, 0.5), result(2, 0.5, roc_auc=None)])
        assert comparison.mean("roc_auc") is None
        assert comparison.standard_deviation("roc_auc") is None


def test_every_seed_is_a_run_and_the_run_is_the_best_of_them() -> None:
    events: list[Any] = []
    train = Training()
    run = fitted(3, train=train, notify=events.append)
    assert train.trained == [1, 2, 3]
    assert run.path == OUT
    assert [type(event) for event in events] == [SeedBegun] * 3 + [SeedsCompared]
    assert [(event.seed, event.number, event.count) for event in events[:3]] == [
        (1, 1, 3),
        (2, 2, 3),
        (3, 3, 3),
    ]
    results = events[3].comparison.results
    assert [(each.seed, each.best_step, each.seconds) for each in results] == [
        (1, 10, 4.0),
        (2, 20, 1.75),
        (3, 10, 4.0),
    ]
    best = Run(OUT / "seed-3")
    shared = {
        *("config.yaml", "labels.txt", "vocabulary.tsv", "rejected.tsv", "metrics.jsonl", "metrics/dev.json")
    }
    shared |= {"weights.safetensors", "model.onnx"}
    own = {"run.json", "metrics", "metrics/seeds.json"}
    names = {name for name in tree(OUT) if not name.startswith("seed-")}
    assert names == shared | own
    for name in shared:
        assert (OUT / name).read_bytes() == (best.path / name).read_bytes()
        assert (OUT / name).samefile(best.path / name) == (name != "metrics.jsonl"), "what grows is no link"
    assert run.is_whole()


def test_the_summary() -> None:
    scores = [SCORES[seed] for seed in (1, 2, 3)]
    expected = {name: statistics.fmean(scores) for name in METRICS} | {"roc_auc": None}
    spread = {name: statistics.stdev(scores) for name in METRICS} | {"roc_auc": None}
    assert summary(fitted(3)) == {
        "metric": "accuracy",
        "chosen": 3,
        "seeds": [
            {
                "seed": seed,
                "best_step": {1: 10, 2: 20, 3: 10}[seed],
                "dev": {**dict.fromkeys(METRICS, SCORES[seed]), "roc_auc": None},
            }
            for seed in (1, 2, 3)
        ],
        "mean": pytest.approx(expected),
        "standard_deviation": pytest.approx(spread),
    }


def test_the_seeds_begin_with_that_of_the_config() -> None:
    run = fitted(2, "training.seed=4")
    assert list(run.seeds()) == [4, 5]
    assert run.info()["seeds"] == [4, 5]
    assert run.info()["seed"] == 4


def test_run_json_is_that_of_the_chosen_seed_with_the_course_of_the_whole() -> None:
    info = fitted(3).info()
    assert (info["status"], info["seed"], info["seeds"]) == ("finished", 3, [1, 2, 3])
    assert info["data_sha256"] == {"train.tsv": "ab"}
    assert info["files"] == Run(OUT / "seed-3").info()["files"]
    assert [event["event"] for event in info["history"]] == ["started", "finished"]
    assert info["history"][-1]["seed"] == 3


def test_only_the_whole_is_a_run_of_its_folder() -> None:
    fitted(2)
    later = 2 * Run(OUT).info_file.stat().st_mtime
    os.utime(Run(OUT / "seed-2").info_file, (later, later))
    assert newest_run().path == OUT


def test_without_links_files_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*arguments: object, **keywords: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    run = fitted(3)
    assert run.model_file.read_bytes() == b"model.onnx of 3"
    assert not run.model_file.samefile(OUT / "seed-3" / "model.onnx")
    assert run.is_whole()


class TestGoingOn:
    def test_finished_seeds_stay_and_others_are_trained(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            fitted(3, train=Training(seed_2=interrupted))
        assert Run(OUT).status() == "interrupted"
        assert list(Run(OUT).seeds()) == [1]
        first, train = tree(OUT / "seed-1"), Training()
        fitted(3, train=train, resume=True)
        assert (train.asked, train.trained) == ([1, 2, 3], [2, 3])
        assert tree(OUT / "seed-1") == first
        events = [event["event"] for event in Run(OUT).info()["history"]]
        assert events == ["started", "interrupted", "resumed", "finished"]
        assert Run(OUT).info()["error"] is None

    def test_without_a_run_one_begins(self) -> None:
        assert fitted(2, resume=True).info()["history"][0]["event"] == "started"

    def test_more_seeds_are_added_and_the_choice_is_made_anew(self) -> None:
        run = fitted(2)
        assert (run.info()["seed"], run.model_file.read_bytes()) == (1, b"model.onnx of 1")
        write_json(run.metrics_file("test"), {"rows": 1})
        train = Training()
        run = fitted(3, train=train, resume=True)
        assert train.trained == [3]
        assert (run.info()["seed"], run.model_file.read_bytes()) == (3, b"model.onnx of 3")
        assert run.info()["seeds"] == [1, 2, 3]
        assert len(summary(run)["seeds"]) == 3
        assert not run.metrics_file("test").exists(), "it was of another model"

    def test_the_run_stays_as_it_is_until_the_seeds_that_are_added_are_trained(self) -> None:
        fitted(2)
        with pytest.raises(KeyboardInterrupt):
            fitted(3, train=Training(seed_3=interrupted), resume=True)
        assert Run(OUT).is_whole()
        assert Run(OUT).model_file.read_bytes() == b"model.onnx of 1"
        assert summary(fitted(3, resume=True))["chosen"] == 3

    def test_a_finished_run_is_left_alone(self) -> None:
        fitted(3)
        before = tree(OUT)
        train = Training()
        fitted(3, train=train, resume=True)
        assert (train.asked, train.trained) == ([1, 2, 3], [])
        assert tree(OUT) == before

    @pytest.mark.parametrize("name", ["model.onnx", "metrics/seeds.json"])
    def test_a_finished_run_gets_back_what_is_lost_of_it(self, name: str) -> None:
        fitted(3)
        before = (OUT / name).read_bytes()
        (OUT / name).unlink()
        assert fitted(3, resume=True).is_whole()
        assert (OUT / name).read_bytes() == before

    def test_a_seed_that_has_gone_on_since_may_be_chosen(self) -> None:
        def better(place: Path) -> None:
            run = Run(place)
            write_json(run.metrics_file("dev"), dict.fromkeys(METRICS, 0.99))
            atomic_write(run.model_file, b"better")
            run.seal()

        fitted(3)
        run = fitted(3, train=Training(seed_2=better), resume=True)
        assert (run.info()["seed"], run.model_file.read_bytes()) == (2, b"better")
        assert run.is_whole()

    def test_a_seed_that_is_gone_is_trained_again(self) -> None:
        fitted(3)
        os.rename(OUT / "seed-2", "elsewhere")
        train = Training()
        fitted(3, train=train, resume=True)
        assert train.trained == [2]

    @pytest.mark.parametrize("overrides", [(), ("training.seed=2",)])
    def test_fewer_seeds_are_refused(self, overrides: tuple[str, ...]) -> None:
        fitted(3)
        before = tree(Path("runs"))
        with pytest.raises(RunError) as caught:
            fitted(2, *overrides, resume=True)
        assert str(caught.value) == (
            "runs/reviews: has been begun with --seeds 3, from seed 1 on\n"
            "  Go on with these seeds or more, or train anew with --overwrite or --out."
        )
        assert tree(Path("runs")) == before

    def test_a_run_of_seeds_is_no_run_of_one(self) -> None:
        fitted(3)
        before = tree(Path("runs"))
        with pytest.raises(RunError, match="runs/reviews: has been begun with --seeds 3, from seed 1 on"):
            NewRun(OUT, resume=True)
        assert tree(Path("runs")) == before

    def test_nor_the_other_way_round(self) -> None:
        Training()(1, OUT)
        before = tree(Path("runs"))
        with pytest.raises(
            RunError, match="runs/reviews: has been begun without --seeds\n  Go on without them"
        ):
            fitted(3, resume=True)
        assert tree(Path("runs")) == before

    def test_a_link_in_place_of_a_seed_is_not_followed(self) -> None:
        Training()(1, Path("runs/precious"))
        fitted(2)
        os.rename(OUT / "seed-2", "elsewhere")
        (OUT / "seed-2").symlink_to(Path("runs/precious").absolute())
        with pytest.raises(RunError, match="seed-2: is damaged: it is a symbolic link"):
            fitted(2, resume=True)


class TestOverwriting:
    @pytest.fixture(autouse=True)
    def older(self) -> dict[str, bytes | None]:
        Training()(5, OUT)
        return tree(OUT)

    def test_without_it_an_older_run_stays(self, older: dict[str, bytes | None]) -> None:
        with pytest.raises(RunError, match="runs/reviews: holds a run already"):
            fitted(2)
        assert tree(Path("runs")) == {
            "reviews": None,
            **{f"reviews/{name}": each for name, each in older.items()},
        }

    def test_the_older_run_stays_until_all_seeds_are_trained(self, older: dict[str, bytes | None]) -> None:
        seen: list[bool] = []
        fitted(3, overwrite=True, notify=lambda event: seen.append(tree(OUT) == older))
        assert seen == [True, True, True, False]
        assert summary(Run(OUT))["chosen"] == 3
        assert os.listdir("runs") == ["reviews"]

    def test_it_goes_on_where_it_was_interrupted(self, older: dict[str, bytes | None]) -> None:
        with pytest.raises(KeyboardInterrupt):
            fitted(3, overwrite=True, train=Training(seed_3=interrupted))
        assert tree(OUT) == older
        assert list(Run(ASIDE).seeds()) == [1, 2]
        with pytest.raises(RunError, match="has been begun with --seeds 3"):
            NewRun(OUT, resume=True)
        train = Training()
        fitted(3, resume=True, train=train)
        assert train.trained == [3]
        assert summary(Run(OUT))["chosen"] == 3
        assert os.listdir("runs") == ["reviews"]

    def test_a_run_of_seeds_is_replaced_as_a_whole(self) -> None:
        fitted(3, overwrite=True)
        with closing(NewRun(OUT, overwrite=True)) as run:
            run.promote()
        assert Run(OUT).seeds() == {}


class TestEndingEarly:
    @pytest.mark.parametrize("resume", [False, True])
    def test_before_the_first_checkpoint_nothing_is_left(self, resume: bool, folder: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            fitted(2, train=Training(seed_1=interrupted), resume=resume)
        assert list(folder.iterdir()) == []

    def test_seeds_of_other_data_are_not_compared(self) -> None:
        def changed(place: Path) -> None:
            Training()(2, place)
            Run(place).update_info(data_sha256={"train.tsv": "cd"})

        with pytest.raises(RunError) as caught:
            fitted(3, train=Training(seed_2=changed))
        assert str(caught.value) == (
            "runs/reviews/seed-2: is no seed like the others, because of what has changed:\n"
            "  train.tsv: is not what it was for runs/reviews/seed-1\n"
            "  Delete it and go on with --resume, or train anew with --overwrite."
        )
        assert Run(OUT).status() == "failed"

    def test_seeds_of_another_config_are_not_compared(self) -> None:
        def changed(place: Path) -> None:
            Training(config("model.units=4", "training.threads=1"))(2, place)

        with pytest.raises(RunError, match=r"what has changed:\n  model.units: 128 → 4\n  Delete it"):
            fitted(3, train=Training(seed_2=changed))

    @pytest.mark.parametrize("damage", ["{}", '{"accuracy": "high"}'])
    def test_damaged_metrics_are_told(self, damage: str) -> None:
        def damaged(place: Path) -> None:
            Training()(2, place)
            Run(place).metrics_file("dev").write_text(damage)

        with pytest.raises(RunError, match="seed-2: is damaged: its metrics are not those of a finished run"):
            fitted(2, train=Training(seed_2=damaged))


KILLED = """
import itertools, os, sys
from seqtrain.run import Run
from tests.unit.pipeline.test_seeds import ASIDE, OUT, Training, fitted

older = "older" in sys.argv
os.fsync = lambda descriptor: None

def ended(calls):
    # Whether a process gets to its end that dies so many calls later.
    process = os.fork()
    if process == 0:
        left = itertools.count(calls, -1)
        def mortal(function):
            def call(*arguments, **keywords):
                if next(left) == 0:
                    os._exit(9)
                return function(*arguments, **keywords)
            return call
        for name in ("rename", "replace", "unlink", "rmdir", "mkdir", "link", "fsync"):
            setattr(os, name, mortal(getattr(os, name)))
        fitted(3, overwrite=older, resume=not older)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (0, 9)
    return code == 0

for calls in itertools.count(0, 9):
    os.mkdir(str(calls))
    os.chdir(str(calls))
    if older:
        Training()(5, OUT)
    done = ended(calls)
    assert Run(OUT).exists() or not older
    begun = Run(ASIDE).exists() or bool(Run(OUT).seeds()) or not older
    fitted(3, resume=begun, overwrite=not begun)
    os.chdir("..")
    if done:
        break
"""


@pytest.mark.parametrize("older", [(), ("older",)])
def test_killed_anywhere_it_goes_on(older: tuple[str, ...], folder: Path) -> None:
    """In a process without threads, which forks for each moment."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", KILLED, *older], check=True, env=environment)
    moments = list(folder.iterdir())
    assert len(moments) > 15
    unbroken = without_time(fitted(3).path)
    for moment in moments:
        assert os.listdir(moment / "runs") == ["reviews"]
        assert without_time(moment / "runs" / "reviews") == unbroken
        assert Run(moment / "runs" / "reviews").is_whole()


def without_time(run: Path) -> dict[str, bytes | None]:
    return {name: content for name, content in tree(run).items() if not name.endswith("run.json")}
