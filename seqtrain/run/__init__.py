"""The run folder: the name of every file in it, how one is made, found and read.

Imports nothing heavy, since every command looks for a run first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtrain.errors import RunError, UsageError
from seqtrain.run.atomic import atomic_write, write_json, writing
from seqtrain.run.staging import Staging, places_to_restore, restore
from seqtrain.suggestion import nearest

if TYPE_CHECKING:
    from seqtrain.config import Config

ROOT = Path("runs")
MOST_BYTES = 1 << 24
"""Of a text file in a run: no real one comes near, and a forged one does not fill the memory."""
_CHECKPOINT = re.compile(r"step-(\d{6,})")


class Run:
    """A run folder. Properties and methods without a verb are paths; what they name need not exist."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @staticmethod
    def create(out: str | Path, *, overwrite: bool = False) -> NewRun:
        """Begins a run that is to stand at `out`.

        Raises RunError if there is something else at `out`, a run without `overwrite`, or a run that is being written.
        """
        return NewRun(Path(out), overwrite)

    @property
    def config_file(self) -> Path:
        return self.path / "config.yaml"

    @property
    def info_file(self) -> Path:
        return self.path / "run.json"

    @property
    def log_file(self) -> Path:
        return self.path / "run.log"

    @property
    def labels_file(self) -> Path:
        return self.path / "labels.txt"

    @property
    def vocabulary_file(self) -> Path:
        return self.path / "vocabulary.tsv"

    @property
    def journal_file(self) -> Path:
        return self.path / "metrics.jsonl"

    def metrics_file(self, split: str) -> Path:
        return self.path / "metrics" / f"{split}.json"

    @property
    def weights_file(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def model_file(self) -> Path:
        return self.path / "model.onnx"

    def checkpoint(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:06d}"

    def checkpoints(self) -> dict[int, Path]:
        """Step → folder of the checkpoints that are there, the oldest first."""
        folders = (self.path / "checkpoints").glob("step-*")
        found = [(int(match[1]), path) for path in folders if (match := _CHECKPOINT.fullmatch(path.name))]
        return dict(sorted(found))

    def keep_checkpoints(self, steps: Collection[int]) -> None:
        """Deletes the checkpoints of all other steps."""
        for step, path in self.checkpoints().items():
            if step not in steps:
                with writing(path):
                    # Renamed first: a crash must not leave half a checkpoint under a whole one's name.
                    path.rename(path.with_name(f"{path.name}.tmp"))
        for leftover in (self.path / "checkpoints").glob("*.tmp"):
            with writing(leftover):
                shutil.rmtree(leftover)

    def exists(self) -> bool:
        """Whether the folder holds a run, be it damaged."""
        return os.path.isfile(self.info_file)

    def info(self) -> dict[str, Any]:
        """What run.json says. Raises RunError where it is missing or damaged."""
        try:
            info = json.loads(_read_text(self.info_file))
        except (ValueError, RecursionError) as error:
            raise _damaged(self.info_file, str(error)) from error
        if not isinstance(info, dict):
            raise _damaged(self.info_file, "it is no JSON object")
        return info

    def update_info(self, **changes: Any) -> None:
        """Sets keys of run.json and leaves the others."""
        write_json(self.info_file, {**self.info(), **changes})

    def config(self) -> Config:
        """The config that the run was made from. Raises RunError where it is missing or damaged."""
        from seqtrain.config import load_config  # here, because a prediction needs no schema

        try:
            return load_config(self.config_file)
        except UsageError as error:
            raise RunError(str(error), hint="Train it again with `seqtrain fit`.") from error

    def labels(self) -> list[str]:
        """The labels in the order of the model's outputs. Raises RunError where they are missing or damaged."""
        labels = _read_text(self.labels_file).removesuffix("\n").split("\n")
        if "" in labels or len(set(labels)) < len(labels):
            raise _damaged(self.labels_file, "a label is empty or stands there twice")
        return labels

    def write_labels(self, labels: Sequence[str]) -> None:
        atomic_write(self.labels_file, "".join(f"{label}\n" for label in labels).encode())

    def require(self, file: Path) -> Path:
        """A file of the run; RunError if it is not there, with how far the run got."""
        if file.is_file():
            return file
        status = self.info().get("status", "unknown")
        raise RunError(
            f"{file}: no such file; the status of the run is {status!r}",
            hint="A run has all its files when `seqtrain fit` has ended well.",
        )


class NewRun(Run):
    """A run that this process is writing: under a hidden name until `promote`, under its own from then on."""

    def __init__(self, out: Path, overwrite: bool) -> None:
        place = out.resolve() if out.is_symlink() else out
        if place.name in ("", "..") or place.name.startswith("."):
            raise RunError(f"{out}: is no name for a run", hint="Choose one that does not begin with a dot.")
        self._overwrite = overwrite
        self._staging = Staging(place)
        super().__init__(self._staging.path)
        try:
            self._check_place()
            with writing(self.path):
                for folder in ("metrics", "checkpoints"):
                    (self.path / folder).mkdir()
            write_json(self.info_file, {"status": "running"})
        except BaseException:
            self.close()
            raise

    def promote(self) -> None:
        """Puts the run in its place, with an old run deleted only then. Does nothing the second time."""
        if not self._staging.promoted:
            self._check_place()
            self._staging.promote()
            self.path = self._staging.path

    def abandon(self, error: BaseException) -> None:
        """Records why the run ended early, if it is in its place; `close` removes it otherwise."""
        self.path = self._staging.path
        if self._staging.promoted:
            status = "failed" if isinstance(error, Exception) else "interrupted"
            with suppress(RunError):  # a full disk, say, which is what `error` tells already
                self.update_info(status=status, error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Gives up the lock on the run; removes it if it never got to its place."""
        self._staging.close()

    def _check_place(self) -> None:
        place = self._staging.place
        with writing(place):
            if not place.exists() or (place.is_dir() and not any(place.iterdir())):
                return
        if not Run(place).exists():
            raise RunError(f"{place}: is there already, and is no run", hint="Choose another folder.")
        if not self._overwrite:
            hint = "Replace it with --overwrite, or choose another folder with --out."
            raise RunError(f"{place}: holds a run already", hint=hint)


def newest_run(root: str | Path = ROOT) -> Run:
    """The run in a folder of runs whose run.json was written last. Raises RunError if there is none."""
    for place in places_to_restore(Path(root)):
        restore(place)
    runs = _runs_in(Path(root))
    if not runs:
        raise RunError(
            f"{root}: no run in it", hint="Train one with `seqtrain fit CONFIG`, or name one with --run."
        )
    return max(runs, key=lambda run: (run.info_file.stat().st_mtime_ns, run.path.name))


def open_run(path: str | Path | None = None, root: str | Path = ROOT) -> Run:
    """The run at a path, by default the newest one under `root`. Raises RunError if there is none."""
    if path is None:
        return newest_run(root)
    run = Run(path)
    restore(run.path)
    if run.exists():
        return run
    problem = (
        "holds no run" if os.path.isdir(path) else "is no folder" if os.path.exists(path) else "no such run"
    )
    raise RunError(f"{path}: {problem}", hint=_known_runs(run.path, Path(root)))


def _known_runs(missed: Path, root: Path) -> str:
    """A hint at the runs nearby: the one most like `missed`, or else all of them."""
    folders = dict.fromkeys([missed, missed.parent, root])
    names = {str(run.path): run.path.name for folder in folders for run in _runs_in(folder)}
    if not names:
        return "Train one with `seqtrain fit CONFIG`."
    near = nearest(missed.name, names.values())
    if near is None:
        return f"Known runs: {', '.join(names)}."
    return "Did you mean " + next(repr(path) for path, name in names.items() if name == near) + "?"


def _runs_in(folder: Path) -> list[Run]:
    runs = [Run(path) for path in sorted(folder.glob("*")) if not path.name.startswith(".")]
    return [run for run in runs if run.exists()]


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _damaged(file, "it is not UTF-8") from error
    except OSError as error:
        raise RunError(
            f"{file}: cannot be read: {error.strerror}", hint="Is this the folder of a run?"
        ) from error
    if len(content) > MOST_BYTES:
        raise _damaged(file, f"it has more than {MOST_BYTES:,} bytes")
    return text


def _damaged(file: Path, reason: str) -> RunError:
    return RunError(f"{file}: is damaged: {reason}", hint="Train the run again with `seqtrain fit`.")
