from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from seqtrain.errors import RunError
from seqtrain.run import Run, folder_of_runs, newest_run, open_run
from seqtrain.run.new import NewRun


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finished(path: str, *, labels: tuple[str, ...] = ("neg", "pos"), written: int = 0) -> Run:
    """A run in its place; written: the time of its run.json, in seconds."""
    run = NewRun(path, overwrite=True)
    run.write_labels(labels)
    run.promote()
    run.close()
    os.utime(run.info_file, (written, written))
    return Run(path)


def test_file_names_are_those_of_the_documented_run_folder() -> None:
    run = Run("runs/reviews")
    paths = [
        run.config_file,
        run.info_file,
        run.log_file,
        run.labels_file,
        run.vocabulary_file,
        run.journal_file,
        run.metrics_file("dev"),
        run.checkpoint(400),
        run.checkpoint(1_234_567),
        run.weights_file,
        run.model_file,
    ]
    assert [str(path.relative_to("runs/reviews")) for path in paths] == [
        "config.yaml",
        "run.json",
        "run.log",
        "labels.txt",
        "vocabulary.tsv",
        "metrics.jsonl",
        "metrics/dev.json",
        "checkpoints/step-000400",
        "checkpoints/step-1234567",
        "weights.safetensors",
        "model.onnx",
    ]


class TestNewRun:
    def test_it_is_hidden_until_promoted(self, folder: Path) -> None:
        run = NewRun("runs/reviews")
        assert run.path == Path("runs/.reviews.new")
        with pytest.raises(RunError):
            newest_run()
        run.promote()
        run.promote()
        assert run.path == Path("runs/reviews")
        assert newest_run().status() == "running"
        run.close()

    def test_closed_early_it_leaves_nothing(self, folder: Path) -> None:
        NewRun("runs/reviews").close()
        assert list(folder.iterdir()) == []

    def test_it_refuses_to_replace_a_run(self, folder: Path) -> None:
        finished("runs/reviews", labels=("old", "older"))
        with pytest.raises(RunError) as caught:
            NewRun("runs/reviews")
        assert str(caught.value) == (
            "runs/reviews: holds a run already\n"
            "  Go on with it by --resume, replace it by --overwrite, or choose another folder by --out."
        )
        assert Run("runs/reviews").labels() == ["old", "older"]
        assert os.listdir("runs") == ["reviews"]

    def test_with_overwrite_the_old_run_stands_until_the_first_evaluation(self, folder: Path) -> None:
        finished("runs/reviews", labels=("old", "older"))
        run = NewRun("runs/reviews", overwrite=True)
        run.write_labels(["new", "newer"])
        assert open_run().labels() == ["old", "older"]
        run.promote()
        assert open_run().labels() == ["new", "newer"]
        run.close()

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_folder_that_is_no_run_is_never_replaced(self, overwrite: bool, folder: Path) -> None:
        (folder / "thesis").mkdir()
        (folder / "thesis" / "chapter1.tex").write_text("years of work")
        with pytest.raises(RunError, match="thesis: is there already, and is no run"):
            NewRun("thesis", overwrite=overwrite)
        assert (folder / "thesis" / "chapter1.tex").read_text() == "years of work"

    def test_a_folder_that_becomes_something_else_meanwhile_is_not_replaced(self, folder: Path) -> None:
        run = NewRun("runs/reviews", overwrite=True)
        (folder / "runs" / "reviews").mkdir()
        (folder / "runs" / "reviews" / "notes.txt").write_text("mine")
        with pytest.raises(RunError, match="is no run"):
            run.promote()
        run.close()
        assert os.listdir("runs/reviews") == ["notes.txt"]

    def test_an_empty_folder_may_become_a_run(self, folder: Path) -> None:
        (folder / "reviews").mkdir()
        finished("reviews")
        assert open_run("reviews").labels() == ["neg", "pos"]

    def test_a_damaged_run_can_be_replaced(self, folder: Path) -> None:
        finished("runs/reviews").info_file.write_text("{")
        finished("runs/reviews")
        assert open_run().info()["status"] == "running"

    def test_a_file_is_in_the_way(self, folder: Path) -> None:
        (folder / "reviews").write_text("text")
        with pytest.raises(RunError, match="reviews: is there already, and is no run"):
            NewRun("reviews", overwrite=True)
        assert (folder / "reviews").read_text() == "text"

    @pytest.mark.parametrize("out", ["", ".", "..", "runs/..", "/", "runs/.reviews.new"])
    def test_names_that_no_run_may_have(self, out: str, folder: Path) -> None:
        with pytest.raises(RunError, match="is no name for a run"):
            NewRun(out, overwrite=True)
        assert list(folder.iterdir()) == []

    def test_a_linked_run_is_replaced_where_it_is(self, folder: Path) -> None:
        finished("disk/reviews", labels=("old", "older"))
        (folder / "runs").mkdir()
        (folder / "runs" / "reviews").symlink_to(folder / "disk" / "reviews")
        finished("runs/reviews", labels=("new", "newer"))
        assert (folder / "runs" / "reviews").is_symlink()
        assert Run("disk/reviews").labels() == ["new", "newer"]

    def test_a_run_that_another_process_writes_is_refused(self, folder: Path) -> None:
        holds = (
            "import sys; from seqtrain.run.new import NewRun\n"
            "run = NewRun('runs/reviews'); run.promote(); print('ready', flush=True); sys.stdin.read()"
        )
        other = subprocess.Popen(
            [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        try:
            with pytest.raises(RunError, match="runs/reviews: another process is writing it"):
                NewRun("runs/reviews", overwrite=True)
        finally:
            other.kill()
            other.communicate()
        finished("runs/reviews")

    @pytest.mark.parametrize(
        ("error", "status"), [(ValueError("bug"), "failed"), (KeyboardInterrupt(), "interrupted")]
    )
    def test_a_run_that_ends_early_says_why(self, error: BaseException, status: str, folder: Path) -> None:
        run = NewRun("runs/reviews")
        run.promote()
        run.abandon(error)
        run.close()
        assert open_run().info()["status"] == status
        assert type(error).__name__ in open_run().info()["error"]

    def test_abandoned_before_its_first_evaluation_it_leaves_nothing(self, folder: Path) -> None:
        run = NewRun("runs/reviews")
        run.abandon(ValueError("bug"))
        run.close()
        assert list(folder.iterdir()) == []

    def test_create_returns_a_run(self, folder: Path) -> None:
        run = NewRun("runs/reviews")
        assert isinstance(run, NewRun)
        run.close()


class TestGoingOn:
    """A run is begun by one process and gone on with by another: `NewRun(..., resume=True)`."""

    def begin(self, *, checkpoints: int, promoted: bool, overwrite: bool = False) -> None:
        """What a process leaves that is killed: the folder, and no lock."""
        run = NewRun("runs/reviews", overwrite=overwrite)
        run.write_labels(["new", "newer"])
        for step in range(checkpoints):
            run.checkpoint(step).mkdir()
        if promoted:
            run.promote()
        run._staging.close(keep=True)

    def test_nothing_there_is_a_new_run(self, folder: Path) -> None:
        with closing(NewRun("runs/reviews", resume=True)) as run:
            assert not run.goes_on
            assert run.path == Path("runs/.reviews.new")

    @pytest.mark.parametrize("promoted", [False, True])
    def test_where_it_stands(self, promoted: bool, folder: Path) -> None:
        self.begin(checkpoints=1, promoted=promoted)
        with closing(NewRun("runs/reviews", resume=True)) as run:
            assert run.goes_on
            assert run.is_in_place is promoted
            assert run.labels() == ["new", "newer"]
        assert os.listdir("runs") == [("reviews" if promoted else ".reviews.new")]

    def test_one_that_was_to_replace_an_older_run_comes_first_and_may_still_do_so(self, folder: Path) -> None:
        finished("runs/reviews", labels=("old", "older"))
        self.begin(checkpoints=1, promoted=False, overwrite=True)
        with closing(NewRun("runs/reviews", resume=True)) as run:
            assert run.labels() == ["new", "newer"]
            run.promote(replace=False)
            assert open_run("runs/reviews").labels() == ["old", "older"]
            run.promote()
            assert open_run("runs/reviews").labels() == ["new", "newer"]

    def test_without_resume_a_new_run_takes_the_place_of_what_was_left(self, folder: Path) -> None:
        self.begin(checkpoints=1, promoted=False)
        with closing(NewRun("runs/reviews")) as run:
            assert not run.goes_on
            assert run.checkpoints() == {}

    def test_left_without_its_run_json_it_is_nothing_to_go_on_with(self, folder: Path) -> None:
        """Killed while it was cleared away, say."""
        finished("runs/reviews", labels=("old", "older"))
        self.begin(checkpoints=1, promoted=False, overwrite=True)
        os.unlink("runs/.reviews.new/run.json")
        with closing(NewRun("runs/reviews", resume=True)) as run:
            assert (run.goes_on, run.is_in_place, run.labels()) == (True, True, ["old", "older"])
        assert os.listdir("runs") == ["reviews"]

    def test_a_checkpoint_is_worth_keeping_the_run(self, folder: Path) -> None:
        finished("runs/reviews", labels=("old", "older"))
        run = NewRun("runs/reviews", overwrite=True)
        run.checkpoint(7).mkdir()
        run.abandon(KeyboardInterrupt())
        run.close()
        assert sorted(os.listdir("runs")) == [".reviews.new", "reviews"]
        assert Run("runs/.reviews.new").status() == "interrupted"

    def test_an_old_run_is_not_replaced_by_a_mere_checkpoint(self, folder: Path) -> None:
        with closing(NewRun("runs/reviews")) as run:
            run.promote(replace=False)
            assert run.is_in_place, "there is none"

    @pytest.mark.parametrize("promoted", [False, True])
    def test_two_processes_do_not_go_on_with_it_at_once(self, promoted: bool, folder: Path) -> None:
        self.begin(checkpoints=1, promoted=promoted)
        with closing(NewRun("runs/reviews", resume=True)):
            for how in ({"resume": True}, {"overwrite": True}):
                with pytest.raises(RunError, match="runs/reviews: another process is writing it"):
                    NewRun("runs/reviews", **how)
        assert os.listdir("runs") == [("reviews" if promoted else ".reviews.new")]

    def test_what_is_no_run_is_refused(self, folder: Path) -> None:
        (folder / "thesis").mkdir()
        (folder / "thesis" / "chapter1.tex").write_text("years of work")
        with pytest.raises(RunError, match="thesis: is there already, and is no run"):
            NewRun("thesis", resume=True)
        assert os.listdir(folder) == ["thesis"]

    def test_a_checkpoint_that_was_being_replaced_is_put_back(self, folder: Path) -> None:
        self.begin(checkpoints=2, promoted=True)
        os.rename("runs/reviews/checkpoints/step-000001", "runs/reviews/checkpoints/step-000001.old")
        with closing(NewRun("runs/reviews", resume=True)) as run:
            assert list(run.checkpoints()) == [0, 1]

    def test_its_history_grows(self, folder: Path) -> None:
        with closing(NewRun("runs/reviews")) as run:
            run.record("started")
            run.record("resumed", step=3)
            entries = run.info()["history"]
        assert [(entry["event"], entry.get("step")) for entry in entries] == [
            ("started", None),
            ("resumed", 3),
        ]


class TestSealed:
    @pytest.fixture
    def run(self, folder: Path) -> Run:
        run = finished("runs/reviews")
        for file in (run.vocabulary_file, run.weights_file, run.model_file):
            file.write_bytes(file.name.encode())
        run.seal()
        return run

    def test_a_file_as_it_was_written(self, run: Run) -> None:
        assert run.sealed(run.model_file) == b"model.onnx"
        assert run.sealed(run.labels_file) == b"neg\npos\n"

    def test_the_run_is_whole_as_long_as_all_files_are_as_they_were(self, run: Run) -> None:
        assert run.is_whole()
        content = run.weights_file.read_bytes()
        run.weights_file.write_bytes(content + b"x")
        assert not run.is_whole()
        run.weights_file.unlink()
        assert not run.is_whole()
        run.weights_file.write_bytes(content)
        assert run.is_whole()

    def test_another_file_is_refused(self, run: Run) -> None:
        run.labels_file.write_text("pos\nneg\n")
        with pytest.raises(RunError, match=r"labels\.txt: is damaged: it is not the file that"):
            run.sealed(run.labels_file)

    @pytest.mark.parametrize("files", [{}, {"model.onnx": 3}])
    def test_so_is_one_without_a_seal(self, run: Run, files: object) -> None:
        run.update_info(files=files)
        with pytest.raises(RunError, match=r"model\.onnx: is damaged"):
            run.sealed(run.model_file)


class TestFindingRuns:
    def test_the_newest_is_the_one_whose_info_was_written_last(self, folder: Path) -> None:
        for written, name in enumerate(["b", "c", "a"]):
            finished(f"runs/{name}", written=written)
        assert open_run().path == Path("runs/a")

    def test_a_crash_between_the_renames_loses_no_run(self, folder: Path) -> None:
        finished("runs/reviews")
        os.rename("runs/reviews", "runs/.reviews.old")
        assert newest_run().labels() == ["neg", "pos"]
        os.rename("runs/reviews", "runs/.reviews.old")
        assert open_run("runs/reviews").labels() == ["neg", "pos"]
        assert os.listdir("runs") == ["reviews"]

    def test_no_run_yet(self, folder: Path) -> None:
        with pytest.raises(RunError) as caught:
            open_run()
        assert str(caught.value) == (
            "runs: no run in it\n  Train one with `seqtrain fit CONFIG`, or name one with --run."
        )

    @pytest.mark.parametrize("path", ["runs/reviws", "reviews", "Reviews"])
    def test_a_name_that_is_nearly_right(self, path: str, folder: Path) -> None:
        finished("runs/reviews")
        finished("runs/tweets")
        with pytest.raises(RunError) as caught:
            open_run(path)
        assert str(caught.value) == f"{path}: no such run\n  Did you mean 'runs/reviews'?"

    def test_the_folder_of_runs_instead_of_a_run(self, folder: Path) -> None:
        finished("runs/reviews")
        finished("runs/tweets")
        with pytest.raises(RunError) as caught:
            open_run("runs")
        assert str(caught.value) == "runs: holds no run\n  Known runs: runs/reviews, runs/tweets."

    def test_a_file_instead_of_a_run(self, folder: Path) -> None:
        (folder / "config.yaml").write_text("data: {}")
        with pytest.raises(RunError, match=r"config\.yaml: is no folder"):
            open_run("config.yaml")

    def test_the_current_folder_may_be_the_run(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        finished("runs/reviews")
        monkeypatch.chdir("runs/reviews")
        assert open_run(".").labels() == ["neg", "pos"]
        monkeypatch.chdir("metrics")
        with pytest.raises(RunError, match="holds no run"):
            open_run(".")


class TestReading:
    def test_info_keeps_what_is_not_changed(self, folder: Path) -> None:
        run = finished("runs/reviews")
        run.update_info(seed=1)
        run.update_info(status="finished")
        assert run.info() == {"status": "finished", "overwrite": True, "seed": 1}

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b'{"status": "\xff"}', b"[" * 200_000, b'"' + b"x" * (1 << 24) + b'"'],
        ids=["empty", "cut short", "a list", "not UTF-8", "deep", "huge"],
    )
    def test_damaged_info_is_a_run_error(self, content: bytes, folder: Path) -> None:
        run = finished("runs/reviews")
        run.info_file.write_bytes(content)
        with pytest.raises(RunError, match=r"runs/reviews/run\.json: (is damaged|cannot be read): "):
            run.info()

    @pytest.mark.parametrize("damage", [{"files": []}, {"history": {}}, {"status": 3}, {"data_sha256": None}])
    def test_info_of_another_form_is_a_run_error(self, damage: dict[str, object], folder: Path) -> None:
        run = finished("runs/reviews")
        run.update_info(**damage)
        with pytest.raises(RunError, match=f"{next(iter(damage))} is of another type"):
            run.info()

    def test_missing_info_is_a_run_error(self, folder: Path) -> None:
        with pytest.raises(RunError, match=r"run\.json: cannot be read: No such file"):
            Run("runs/reviews").info()

    def test_labels_keep_order_and_unusual_characters(self, folder: Path) -> None:
        labels = ["z", "a b", "größer", "line\u2028separator", "\x85"]
        run = finished("runs/reviews", labels=tuple(labels))
        assert run.labels() == labels

    @pytest.mark.parametrize("content", [b"", b"neg\n\npos\n", b"neg\npos\nneg\n", b"neg\n\xff\n"])
    def test_damaged_labels_are_a_run_error(self, content: bytes, folder: Path) -> None:
        run = finished("runs/reviews")
        run.labels_file.write_bytes(content)
        with pytest.raises(RunError, match=r"labels\.txt: is damaged: "):
            run.labels()

    def test_config_comes_back(self, folder: Path) -> None:
        run = finished("runs/reviews")
        run.config_file.write_text("data: {train: a.tsv, dev: 0.1}\nmodel: {cell: gru}\n")
        assert run.config().model.cell == "gru"

    @pytest.mark.parametrize("content", [None, "model: {cell: transformer}"])
    def test_damaged_or_missing_config_is_a_run_error(self, content: str | None, folder: Path) -> None:
        run = finished("runs/reviews")
        if content:
            run.config_file.write_text(content)
        with pytest.raises(RunError, match=r"runs/reviews/config\.yaml"):
            run.config()

    def test_a_required_file(self, folder: Path) -> None:
        run = finished("runs/reviews")
        assert run.require(run.labels_file) == run.labels_file
        with pytest.raises(RunError) as caught:
            run.require(run.model_file)
        assert str(caught.value) == (
            "runs/reviews/model.onnx: no such file; the status of the run is 'running'\n"
            "  A run has all its files when `seqtrain fit` has ended well; with --resume it goes on."
        )


class TestCheckpoints:
    def test_they_are_listed_by_step(self, folder: Path) -> None:
        run = finished("runs/reviews")
        for name in ("step-1000000", "step-000900", "step-000400.tmp", "step-x", "other"):
            (run.path / "checkpoints" / name).mkdir()
        assert list(run.checkpoints()) == [900, 1_000_000]
        assert run.checkpoints()[900] == run.checkpoint(900)

    def test_all_but_the_chosen_ones_are_deleted(self, folder: Path) -> None:
        run = finished("runs/reviews")
        for step in (100, 200, 300, 400):
            run.checkpoint(step).mkdir()
            (run.checkpoint(step) / "manifest.json").write_text("{}")
        run.keep_checkpoints({200, 400, 999})
        assert list(run.checkpoints()) == [200, 400]
        assert sorted(os.listdir(run.path / "checkpoints")) == ["step-000200", "step-000400"]


class TestSeeds:
    def test_they_are_listed_by_number(self, folder: Path) -> None:
        run = finished("runs/reviews")
        for name in ("seed-10", "seed-9", "seed-010", "other"):
            finished(f"runs/reviews/{name}")
        for name in ("seed-1", "seed-2.tmp", "seed-x"):
            (run.path / name).mkdir()
        assert list(run.seeds()) == [9, 10]
        assert run.seeds()[9].path == run.seed(9).path

    def test_what_runs_share_is_not_kept_inside_one(self, folder: Path) -> None:
        finished("runs/reviews")
        for place in ("runs/reviews", "runs/tweets", "runs/reviews/seed-1"):
            assert folder_of_runs(Path(place)) == Path("runs")


def test_importing_it_is_cheap() -> None:
    """Every command looks for a run, and `predict` should answer at once."""
    heavy = "{'numpy', 'tensorflow', 'pydantic', 'yaml'}"
    code = f"import json, sys, seqtrain.run; print(json.dumps(sorted({heavy} & set(sys.modules))))"
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []
