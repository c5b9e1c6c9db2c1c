"""`seqtrain fit --resume`, and other ways to go on: what it says, what it refuses, what it leaves alone."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from seqtrain.run import Run
from seqtrain.text.vocabulary import Vocabulary
from tests.cli.command import Result, tree
from tests.cli.conftest import Fitted
from tests.crashes.outcome import outcome
from tests.crashes.process import At, Hold, LimitFiles, Process, Strike, forked
from tests.project import TRAIN, table, write_project

FIT = ("fit", "configs/reviews.yaml")
RUN = Path("runs", "reviews")
STEP = "seqtrain.training.trainer:Trainer.train_on"
HINT = (
    "  Go on with the config and the data of the run, or train anew with --overwrite or --out; "
    "training.init_from: RUN begins with the weights of a run.\n"
)


@pytest.fixture(scope="module")
def unbroken(fitted: Fitted) -> dict[str, Any]:
    return outcome(fitted.run)


@pytest.fixture(scope="module")
def once_stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose run was stopped at step 33, with checkpoints of steps 19, 29 and 33; those of 19 are best."""
    project = write_project(tmp_path_factory.mktemp("stopped"))
    by_tens = "--set=training.checkpoint_every=10"
    at = At(STEP, 33)
    assert forked(*FIT, by_tens, cwd=project, before=Strike(at, (signal.SIGINT,))).exit_code == 130
    assert list(Run(project / RUN).checkpoints()) == [19, 29, 33]
    return project


@pytest.fixture
def stopped(once_stopped: Path, tmp_path: Path) -> Path:
    """The like, for a test of its own."""
    return shutil.copytree(once_stopped, tmp_path / "project")


@pytest.fixture
def finished(fitted: Fitted, tmp_path: Path) -> Path:
    return shutil.copytree(fitted.folder, tmp_path / "project")


def resume(project: Path, *overrides: str, **options: Any) -> Result:
    return forked(*FIT, "--resume", *(f"--set={each}" for each in overrides), cwd=project, **options)


def refused(project: Path, *overrides: str, unchanged: Path = Path()) -> str:
    """What is said by a fit that does not go on, and changes nothing in a folder."""
    before = tree(project / unchanged)
    result = resume(project, *overrides)
    assert (result.exit_code, result.stdout) == (4, "")
    assert tree(project / unchanged) == before
    return result.stderr


def history(project: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = Run(project / RUN).info()["history"]
    return events


def test_without_a_run_one_begins(project: Path, unbroken: dict[str, Any]) -> None:
    result = resume(project)
    assert result.exit_code == 0
    assert "resume" not in result.stderr
    assert outcome(project / RUN) == unbroken


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    before = tree(finished / RUN)
    del before["run.log"]
    assert resume(finished) == (
        0,
        "runs/reviews\n",
        "resume    runs/reviews, whose config reads test.tsv, train.tsv\n"
        "finished  already, nothing is left to do; more training.epochs would go on\n",
    )
    after = tree(finished / RUN)
    del after["run.log"]
    assert after == before


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors", "labels.txt"])
def test_a_finished_run_gets_back_what_is_lost_of_it(finished: Path, name: str) -> None:
    before = outcome(finished / RUN)
    (finished / RUN / name).unlink()
    assert resume(finished).exit_code == 0
    assert outcome(finished / RUN) == before


def test_it_says_from_where_it_goes_on_and_keeps_a_history(stopped: Path, unbroken: dict[str, Any]) -> None:
    with (stopped / RUN / "metrics.jsonl").open("a") as journal:
        journal.write('{"event": "dev", "step": 34}\n')  # of steps that no checkpoint knows
    result = resume(stopped)
    assert result.exit_code == 0
    assert "resume    runs/reviews, whose config reads test.tsv, train.tsv\n" in result.stderr
    assert "resume    from step 33; the run was interrupted\n" in result.stderr
    assert outcome(stopped / RUN) == unbroken
    assert [event["event"] for event in history(stopped)] == ["started", "interrupted", "resumed", "finished"]
    resumed = history(stopped)[2]
    assert (resumed["step"], resumed["after"], resumed["damaged"]) == (33, "interrupted", [])
    assert resumed["changes"] == ["training.checkpoint_every: 10 → null"]


def test_more_epochs_go_on_and_fewer_are_refused(finished: Path) -> None:
    result = resume(finished, "training.epochs=3")
    assert result.exit_code == 0
    assert "          training.epochs: 2 → 3\nresume    from step 38; the run was finished\n" in result.stderr
    assert Run(finished / RUN).config().training.epochs == 3
    assert [event["event"] for event in history(finished)] == ["started", "finished", "resumed", "finished"]
    assert history(finished)[2]["changes"] == ["training.epochs: 2 → 3"]
    assert [line["step"] for line in outcome(finished / RUN)["journal"]] == [19, 19, 38, 38, 50, 57, 57]
    assert "  training.epochs: 3 → 2\n" in refused(finished)


IMPATIENT = ("training.metric=accuracy", "training.patience=1", "training.evaluate_every=7")


def test_more_epochs_after_patience_was_spent_survive_kills(tmp_path: Path) -> None:
    (tmp_path / "unbroken").mkdir()
    project = write_project(tmp_path / "unbroken")
    assert "stopped   at step 14: no improvement, patience spent\n" in resume(project, *IMPATIENT).stderr
    killed = shutil.copytree(project, tmp_path / "killed")
    more = (*IMPATIENT, "training.epochs=3")
    assert "stopped   at step 28: no improvement, patience spent\n" in resume(project, *more).stderr
    for at in (At("seqtrain.pipeline:atomic_write", after=True), At(STEP, 3)):
        assert resume(killed, *more, before=Strike(at)).exit_code == -signal.SIGKILL
    assert resume(killed, *more).exit_code == 0
    assert outcome(killed / RUN) == outcome(project / RUN)


def test_another_config_or_other_data_are_refused(stopped: Path) -> None:
    same = "training.checkpoint_every=10"
    what = "error: runs/reviews: cannot go on, because of what has changed:\n"
    keys = "  model.units: 8 → 4\n  training.seed: 1 → 2\n"
    assert refused(stopped, same, "model.units=4", "training.seed=2") == what + keys + HINT
    (stopped / "train.tsv").write_text(table(TRAIN[:-1]), "utf-8")
    data = "  train.tsv: sha256 60430d54a676… → 7ecffd963667…\n"
    assert refused(stopped, same) == what + data + HINT
    assert refused(stopped, same, "model.units=4", "training.seed=2") == what + keys + data + HINT


def test_what_says_how_to_train_may_change(stopped: Path) -> None:
    result = resume(stopped, "training.threads=1", "training.checkpoint_every=3", "data.cache=false")
    assert result.exit_code == 0
    assert (
        "changed   other than before; threads, versions, machine and epochs may show in the weights:\n"
        "          data.cache: true → false\n"
        "          training.checkpoint_every: 10 → 3\n"
        "          training.threads: null → 1\n"
    ) in result.stderr
    assert Run(stopped / RUN).config().training.threads == 1


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, alter, Path.unlink])
@pytest.mark.parametrize("name", ["state.safetensors", "manifest.json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    name: str, damage: Callable[[Path], None], stopped: Path, unbroken: dict[str, Any]
) -> None:
    file = RUN / "checkpoints" / "step-000033" / name
    damage(stopped / file)
    result = resume(stopped)
    assert result.exit_code == 0
    assert f"warning: {file}: " in result.stderr
    assert "\n  Training goes on from an older checkpoint.\n" in result.stderr
    assert "resume    from step 29; the run was interrupted\n" in result.stderr
    assert str(file) in history(stopped)[2]["damaged"][0]
    assert outcome(stopped / RUN) == unbroken


def test_without_the_best_weights_no_checkpoint_is_whole(stopped: Path) -> None:
    shutil.rmtree(stopped / RUN / "checkpoints" / "step-000019")
    message = refused(stopped, unchanged=RUN / "checkpoints")
    assert (
        "error: runs/reviews: no checkpoint is whole\n"
        "  runs/reviews/checkpoints/step-000019/manifest.json: cannot be read: No such file or directory\n"
    ) in message
    assert message.endswith("  Train anew with --overwrite.\n")


def test_checkpoints_but_none_whole(stopped: Path) -> None:
    for folder in Run(stopped / RUN).checkpoints().values():
        cut(folder / "state.safetensors")
    message = refused(stopped, unchanged=RUN / "checkpoints")
    assert "error: runs/reviews: no checkpoint is whole\n" in message
    for step in (33, 29, 19):
        assert f"{RUN}/checkpoints/step-{step:06d}/state.safetensors: is damaged" in message


def test_a_run_under_way_is_not_gone_on_with(project: Path) -> None:
    first = Process(*FIT, cwd=project, before=Hold(At(STEP, 25), project / "held"))
    first.wait_for(project / "held")
    assert (project / RUN).exists()
    assert refused(project) == (
        "error: runs/reviews: another process is writing it\n  Wait for it, or choose another folder.\n"
    )
    first.send(signal.SIGKILL)
    first.result()


def test_resume_and_overwrite_exclude_each_other(finished: Path) -> None:
    before = tree(finished)
    result = forked(*FIT, "--resume", "--overwrite", cwd=finished)
    assert result.exit_code == 2
    assert result.stderr.endswith("Error: --resume and --overwrite exclude each other.\n")
    assert tree(finished) == before


def test_skipped_rows_are_skipped_again(project: Path) -> None:
    with (project / "train.tsv").open("a") as file:
        file.write("pos\t\n")
    skip = "data.bad_rows=skip"
    assert resume(project, skip, before=Strike(At(STEP, 25))).exit_code == -signal.SIGKILL
    (project / RUN / "rejected.tsv").unlink()
    result = resume(project, skip)
    assert result.exit_code == 0
    assert "400 rows used, 1 rejected: 1 empty text" in result.stderr
    lines = (project / RUN / "rejected.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["file", "line"], ["train.tsv", "401"]]


def test_a_disk_that_gets_full(project: Path, unbroken: dict[str, Any]) -> None:
    """The checkpoint of step 38 does not fit any more; that of step 19 stays, and is enough."""
    full = forked(*FIT, cwd=project, before=LimitFiles(At(STEP, 25), 12_000))
    assert (full.exit_code, full.stdout) == (4, "")
    assert full.stderr.endswith(
        "\nerror: runs/reviews/checkpoints/step-000038: cannot be written: File too large\n"
        "  Free some space, or write to another disk.\n"
    )
    assert {path.name for path in (project / RUN / "checkpoints").iterdir()} == {"step-000019"}
    assert [event["event"] for event in history(project)] == ["started", "failed"]
    result = resume(project)
    assert result.exit_code == 0
    assert "resume    from step 19; the run was failed\n" in result.stderr
    assert outcome(project / RUN) == unbroken


def test_a_folder_that_may_not_be_written_to(stopped: Path) -> None:
    (stopped / RUN).chmod(0o500)
    if os.access(stopped / RUN, os.W_OK):
        pytest.skip("this user may write everywhere")
    message = refused(stopped, unchanged=RUN / "checkpoints")
    (stopped / RUN).chmod(0o700)
    assert message.endswith(
        "cannot be written: Permission denied\n  Choose a folder that you may write to.\n"
    )


WILD = ("training.learning_rate=3e38", "training.clip_norm=null", "training.checkpoint_every=1")


def test_divergence_keeps_the_last_good_checkpoint(project: Path) -> None:
    result = resume(project, *WILD)
    assert result.exit_code == 5
    told = re.search(
        r"error: training diverged at step (\d+): loss .*, gradient norm .*, learning rate 3e\+38\n"
        r"  the batch: train.tsv, lines (.*)\n"
        r"  the last good checkpoint: (.*)\n"
        r"  Lower training.learning_rate, set training.clip_norm, raise training.warmup.\n$",
        result.stderr,
    )
    assert told, result.stderr
    assert len({int(line) for line in told[2].split(", ")} & {*range(1, 401)}) == 16
    assert (project / told[3] / "manifest.json").exists()
    assert Run(project / RUN).status() == "failed"
    good = list(Run(project / RUN).checkpoints())[-1]
    assert good < int(told[1])
    again = resume(project, *WILD)
    assert again.exit_code == 5
    assert f"resume    from step {good}; the run was failed\n" in again.stderr


def started_from(source: Path, project: Path, *overrides: str) -> Result:
    settings = (f"training.init_from={source}", *overrides)
    return forked(*FIT, *(f"--set={each}" for each in settings), cwd=project)


def test_a_new_run_takes_over_words_and_labels(fitted: Fitted, project: Path) -> None:
    """With steps too small to change a weight."""
    rows = [*TRAIN, *[("so-so", "neither here nor there"), ("so-so", "a plot")] * 9]
    (project / "train.tsv").write_text(table(rows), "utf-8")
    result = started_from(fitted.run, project, "training.learning_rate=1e-38")
    assert result.exit_code == 0, result.stderr
    old, new = Run(fitted.run), Run(project / RUN)
    words = [Vocabulary.from_tsv(run.vocabulary(), "vocabulary").tokens for run in (old, new)]
    assert set(words[1]) - set(words[0]) == {"neither", "here", "nor", "there"}
    assert (
        f"start     from the weights of {fitted.run}; {len(words[0])} of the words and 2 of the labels"
        in (result.stderr)
    )
    assert new.info()["init_from"] == {"run": str(fitted.run), "words": len(words[0]), "labels": 2}
    before, after = load_file(old.weights_file), load_file(new.weights_file)
    assert new.labels() == ["neg", "pos", "so-so"]
    known = [words[1].index(word) for word in words[0]]
    close = {"rtol": 0, "atol": 1e-30}
    np.testing.assert_allclose(after.pop("embedding")[known], before.pop("embedding"), **close)
    np.testing.assert_allclose(after.pop("output.kernel")[:, :2], before.pop("output.kernel"), **close)
    np.testing.assert_allclose(after.pop("output.bias")[:2], before.pop("output.bias"), **close)
    del before["output.scale"]  # which the new run fits to its own dev
    for name, weight in before.items():
        np.testing.assert_allclose(after[name], weight, **close)


def test_another_network_takes_nothing_over(fitted: Fitted, project: Path) -> None:
    result = started_from(fitted.run, project, "model.units=4", "model.cell=gru")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(
        f"error: training.init_from: {fitted.run} has another network\n"
        "  model.cell: 'lstm' → 'gru'\n  model.units: 8 → 4\n  Take over its keys.\n"
    )
    assert not (project / RUN).exists()


def test_nothing_is_taken_over_from_a_run_that_is_not_whole(
    finished: Path, once_stopped: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    project = write_project(tmp_path / "new")
    unfinished = started_from(once_stopped / RUN, project)
    assert unfinished.exit_code == 4
    assert "weights.safetensors: no such file; the status of the run is 'interrupted'\n" in unfinished.stderr
    alter(finished / RUN / "weights.safetensors")
    altered = started_from(finished / RUN, project)
    assert altered.exit_code == 4
    assert "weights.safetensors: is damaged: it is not the file that `seqtrain fit` wrote\n" in altered.stderr
    assert not (project / RUN).exists()
