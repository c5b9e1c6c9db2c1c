"""A power loss at any moment: what was reported as written is there, what was to be replaced is whole until then.

The sequence of writes is that of a fit, with arrays of a few numbers, on the disk that `disk` describes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from seqtrain import pipeline, run
from seqtrain.config import config_from
from seqtrain.errors import RunError
from seqtrain.run import Run, atomic, new, open_run, staging
from seqtrain.run.atomic import atomic_folder, atomic_write, write_json
from seqtrain.run.new import NewRun
from seqtrain.training import keeper
from seqtrain.training.checkpoint import Checkpoint
from seqtrain.training.keeper import Keeper, newest_whole
from seqtrain.training.loop import Progress
from tests.cli.command import tree
from tests.crashes.disk import Choose, Disk, State, write
from tests.project import CONFIG, write_project

PLACE = Path("runs", "reviews")
SHAPES = {"weights/bias": (3,), "slots/mean.bias": (3,)}
BEST = {1: None, 2: 2, 3: 2, 4: 2, 5: 5}  # step → the step of the best weights by then
# Of checkpoints; of some steps there is one before the evaluation and one after it.
STEPS = (1, 2, 3, 3, 4, 5, 5)
OLDER, NEWER = b"of the older run", b"of the new run"


class Crashes:
    """All that a power loss may leave of a program, and how much of it has to be there."""

    def __init__(self, root: Path, choices: Sequence[Choose] = (lambda options: options,)) -> None:
        self.states: dict[frozenset[tuple[str, bytes | None]], int] = {}
        self._disk, self._choices, self._promised = Disk(root), choices, 0

    @contextmanager
    def recorded(self) -> Iterator[None]:
        with self._disk.recording(lambda disk: self._add()):
            yield

    def promise(self, step: int) -> None:
        """From here on a checkpoint of this step is said to be written."""
        self._promised = step
        self._add()

    def _add(self) -> None:
        for choose in self._choices:
            for state in self._disk.possible(choose):
                self.states[frozenset(state.items())] = self._promised

    def each(self, folder: Path) -> Iterator[tuple[Path, int]]:
        """Every state as a folder, with the step that was promised last."""
        with patch("os.fsync"):  # which takes time, and cannot be noticed here
            for number, (state, step) in enumerate(self.states.items()):
                place = folder / str(number)
                write(place, dict(sorted(state)))
                yield place, step
                shutil.rmtree(place)


def checkpoint(step: int) -> Checkpoint:
    arrays = {"bias": np.full(3, step, np.float32)}
    slots = {"mean.bias": np.full(3, -step, np.float32)}
    best = BEST[step]
    progress = Progress(step=step, best_step=best, best_score=None if best is None else float(best))
    return Checkpoint(arrays, slots, progress, len(journal(step)))


def journal(step: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(1, step + 1))


def fit(root: Path, crashes: Crashes, steps: Iterable[int]) -> None:
    """The writing of a fit that evaluates at all steps but the first, over an older run if there is one."""
    with closing(NewRun(root / PLACE, overwrite=True)) as run:
        atomic_write(run.config_file, b"{}")
        run.record("started")
        run.journal_file.touch()
        with Keeper(run, steps=None, minutes=None, last=Progress()) as keeping:
            for step in steps:
                with run.journal_file.open("ab") as file:
                    file.write(journal(step)[file.tell() :])
                keeping.save(checkpoint(step))
                keeping.wait()
                crashes.promise(step)
                run.promote(replace=step >= 2)
        atomic_write(run.model_file, NEWER)
        run.update_info(status="finished")


def stand(place: Path) -> None:
    """An older run, with the least that makes one."""
    place.mkdir(parents=True)
    write_json(place / "run.json", {"status": "finished", "is": "older"})
    (place / "model.onnx").write_bytes(OLDER)


def recorded_fit(root: Path, *, older: bool, steps: Iterable[int] = STEPS) -> Crashes:
    root.mkdir()
    if older:
        stand(root / PLACE)
    crashes = Crashes(root)
    with crashes.recorded():
        fit(root, crashes, steps)
    return crashes


def require_older_or_new_run(root: Path, older: dict[str, bytes | None]) -> None:
    """At the place of the run is the older one as it was, or the new one."""
    run = open_run(root / PLACE)
    assert tree(run.path) == older or run.info().get("is") != "older"


def require_checkpoint(run: Run, step: int) -> None:
    """A whole one, as new as was promised, and the lines of the journal that it tells of."""
    found = newest_whole(run, SHAPES).checkpoint
    assert (found.progress.step if found else 0) >= step
    if found:
        expected = checkpoint(found.progress.step)
        assert found.progress == expected.progress
        np.testing.assert_array_equal(found.weights["bias"], expected.weights["bias"])
        assert run.journal_file.read_bytes()[: found.journal_bytes] == journal(found.progress.step)


def require_resumption(root: Path, step: int) -> None:
    """A fit that goes on finds what was promised."""
    with closing(NewRun(root / PLACE, resume=True)) as run:
        if run.goes_on and run.info().get("is") == "older":
            assert step == 0
        else:
            require_checkpoint(run, step)


def require_no_loss(crashes: Crashes, folder: Path, *, older: bool) -> None:
    folder.mkdir()
    stand(folder / "older")
    before = tree(folder / "older")
    for root, step in crashes.each(folder):
        if older:
            require_older_or_new_run(root, before)
        require_resumption(root, step)


@pytest.mark.parametrize("older", [False, True])
def test_a_fit(older: bool, tmp_path: Path) -> None:
    crashes = recorded_fit(tmp_path / "disk", older=older)
    assert set(crashes.states.values()) == {0, *BEST}
    require_no_loss(crashes, tmp_path / "crashed", older=older)
    assert list(Run(tmp_path / "disk" / PLACE).checkpoints()) == [2, 4, 5]  # 2: the best at the time of 4


EXTREMES = (lambda options: options[:1], lambda options: options[-1:])


def test_a_real_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each moment the two extremes: no name that is not synced, or no content that is not."""
    (tmp_path / "disk").mkdir()
    monkeypatch.chdir(write_project(tmp_path / "disk"))
    config = config_from(yaml.safe_load(CONFIG), ["training.epochs=1", "training.checkpoint_every=8"])
    crashes = Crashes(tmp_path / "disk", EXTREMES)
    prune = Run.keep_checkpoints

    def written(run: Run, steps: Collection[int]) -> None:
        crashes.promise(max(steps, default=0))
        prune(run, steps)

    monkeypatch.setattr(Run, "keep_checkpoints", written)
    with crashes.recorded():
        done = pipeline.fit(config, out=PLACE)
    assert set(crashes.states.values()) == {0, 8, 16, 19}
    tensors = load_file(done.checkpoint(19) / "state.safetensors")
    shapes = {name: array.shape for name, array in tensors.items()}
    (tmp_path / "crashed").mkdir()
    for root, step in crashes.each(tmp_path / "crashed"):
        with closing(NewRun(root / PLACE, resume=True)) as run:
            found = newest_whole(run, shapes).checkpoint
            assert (found.progress.step if found else 0) >= step
            for name in run.info().get("files", []):
                run.sealed(run.path / name)  # no file is vouched for that is not there


@contextmanager
def renamed_before_its_manifest_is_there(path: Path) -> Iterator[Path]:
    with atomic_folder(path) as folder:
        yield folder
        os.rename(folder / "manifest.json", path.with_name("manifest"))
    os.rename(path.with_name("manifest"), path / "manifest.json")


@contextmanager
def pruned_before_the_new_one_is_there(path: Path) -> Iterator[Path]:
    Run(path.parent.parent).keep_checkpoints(set())
    with atomic_folder(path) as folder:
        yield folder


def delete_and_rename(self: staging.Staging) -> None:
    shutil.rmtree(self.place, ignore_errors=True)
    os.rename(self.path, self.place)
    atomic.sync(self.place.parent)


def forget_what_is_aside(place: Path) -> None:
    staging.Staging(place).close()


FAULTS = {
    "a checkpoint's files are not synced": (atomic, "sync_tree", lambda folder: None),
    "its name is not synced": (atomic, "move_folder", os.rename),
    "its manifest is written outside of it": (keeper, "atomic_folder", renamed_before_its_manifest_is_there),
    "old ones are deleted first": (keeper, "atomic_folder", pruned_before_the_new_one_is_there),
    "the journal is not synced": (keeper, "sync", lambda path: None),
    "one that changed places with another is not put back": (new, "restore_replaced", lambda folder: None),
    "an older run is deleted first": (staging.Staging, "promote", delete_and_rename),
    "a new run is not synced when it takes its place": (staging, "move_folder", os.rename),
    "the folder of runs is not synced": (staging, "sync", lambda path: None),
    "a new run is forgotten when an older one is put back": (run, "restore", forget_what_is_aside),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(fault: str, tmp_path: Path) -> None:
    owner, name, planted = FAULTS[fault]
    with patch.object(owner, name, planted):
        crashes = recorded_fit(tmp_path / "disk", older=True, steps=[1, 2, 2])
        with pytest.raises((AssertionError, RunError, OSError)):
            require_no_loss(crashes, tmp_path / "crashed", older=True)


def recorded_replacement(root: Path) -> tuple[Disk, list[State]]:
    root.mkdir()
    write_json(root / "run.json", {"status": "running"})
    disk, states = Disk(root), []
    with disk.recording(lambda disk: states.extend(disk.possible())):
        write_json(root / "run.json", {"status": "finished"})
    return disk, states


def statuses(states: Iterable[State]) -> set[bytes | None]:
    return {state["/run.json"] for state in states}


def test_run_json_is_the_old_one_or_the_new_one_and_in_the_end_the_new_one(tmp_path: Path) -> None:
    disk, states = recorded_replacement(tmp_path / "run")
    assert statuses(states) == {b'{\n  "status": "running"\n}\n', b'{\n  "status": "finished"\n}\n'}
    assert list(disk.possible()) == [{"": None, "/run.json": b'{\n  "status": "finished"\n}\n'}]


@pytest.mark.parametrize("fault", ["nothing is synced", "its name is not synced"])
def test_planted_fault_in_the_writing_of_run_json(fault: str, tmp_path: Path) -> None:
    real, alone = atomic.sync, fault == "its name is not synced"
    with patch.object(atomic, "sync", lambda path: real(path) if alone and path.is_file() else None):
        disk, states = recorded_replacement(tmp_path / "run")
    assert len(statuses(disk.possible())) > 1
    assert (b"" in statuses(states)) != alone
