"""The run folder: the name of every file in it, how one is made, found and read.

Imports nothing heavy, since every command looks for a run first.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtrain.errors import RunError, UsageError
from seqtrain.run.atomic import move_folder, write_json, writing
from seqtrain.run.staging import places_to_restore, restore
from seqtrain.suggestion import nearest
from seqtrain.untrusted import damaged, parse_json, read_file

if TYPE_CHECKING:
    from seqtrain.config import Config

ROOT = Path("runs")
MOST_BYTES = 1 << 24
"""Of a text file in a run: no real one comes near, and a forged one does not fill the memory."""
MOST_MODEL_BYTES = 1 << 31
_INFO: dict[str, type] = {
    "status": str,
    "start_folder": str,
    "history": list,
    "data_sha256": dict,
    "seeds": list,
    "files": dict,
    "versions": dict,
    "machine": dict,
    "runtime": dict,
}
"""What is read of run.json again, and its types; whatever else stands there is for people."""
_CHECKPOINT = re.compile(r"step-(\d{6,})")
_SEED = re.compile(r"seed-(0|[1-9]\d*)")


class Run:
    """A run folder. Properties and methods without a verb are paths; what they name need not exist."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

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
    def rejected_file(self) -> Path:
        return self.path / "rejected.tsv"

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
        """Step → folder of the checkpoints that are there, the oldest first.

        Raises RunError for a link in place of a folder: what it leads to is not the run's to delete.
        """
        folders = [self.path / "checkpoints", *(self.path / "checkpoints").glob("step-*")]
        for path in folders:
            if path.is_symlink():
                raise damaged(path, "it is a symbolic link")
        found = [(int(match[1]), path) for path in folders if (match := _CHECKPOINT.fullmatch(path.name))]
        return dict(sorted(found))

    def keep_checkpoints(self, steps: Collection[int]) -> None:
        """Deletes the checkpoints of all other steps."""
        for step, path in self.checkpoints().items():
            if step not in steps:
                with writing(path):
                    # Renamed first: a crash must not leave half a checkpoint under a whole one's name.
                    move_folder(path, path.with_name(f"{path.name}.tmp"))
        for leftover in (self.path / "checkpoints").glob("*.tmp"):
            with writing(leftover):
                shutil.rmtree(leftover)

    def seed(self, seed: int) -> Run:
        """The run of a seed in a run that was made by `fit --seeds`."""
        return Run(self.path / f"seed-{seed}")

    def seeds(self) -> dict[int, Run]:
        """Seed → its run, of those that are there. Raises RunError for a link in place of a folder."""
        found = {
            int(match[1]): path for path in self.path.glob("seed-*") if (match := _SEED.fullmatch(path.name))
        }
        for path in found.values():
            if path.is_symlink():
                raise damaged(path, "it is a symbolic link")
        return {seed: Run(path) for seed, path in sorted(found.items()) if Run(path).exists()}

    def exists(self) -> bool:
        """Whether the folder holds a run, be it damaged."""
        return os.path.isfile(self.info_file)

    def info(self) -> dict[str, Any]:
        """What run.json says. Raises RunError where it is missing or damaged."""
        info = parse_json(read_file(self.info_file, most_bytes=MOST_BYTES), str(self.info_file))
        if not isinstance(info, dict):
            raise damaged(self.info_file, "it is no JSON object")
        for key, kind in _INFO.items():
            value = info.get(key, kind())
            if not isinstance(value, kind) or (isinstance(value, str) and "\0" in value):
                raise damaged(self.info_file, f"{key} is of another type")
        return info

    def status(self) -> str:
        return str(self.info().get("status", "unknown"))

    def update_info(self, **changes: Any) -> None:
        """Sets keys of run.json and leaves the others."""
        write_json(self.info_file, {**self.info(), **changes})

    def config(self) -> Config:
        """The config that the run was made from. Raises RunError where it is missing or damaged."""
        from seqtrain.config import load_config  # here, because a prediction needs no schema

        read_file(self.config_file, most_bytes=MOST_BYTES)  # no link, no device
        try:
            return load_config(self.config_file)
        except UsageError as error:
            raise RunError(str(error), hint="Train it again with `seqtrain fit`.") from error

    def labels(self) -> list[str]:
        """The labels in the order of the model's outputs. Raises RunError where they are missing or damaged."""
        labels = _read_text(self.labels_file).removesuffix("\n").split("\n")
        if "" in labels or len(set(labels)) < len(labels):
            raise damaged(self.labels_file, "a label is empty or stands there twice")
        return labels

    def vocabulary(self) -> str:
        """The text of vocabulary.tsv. Raises RunError where it is missing or damaged."""
        return _read_text(self.vocabulary_file)

    def seal(self) -> None:
        """Records in run.json the sha256 of the files that make the model."""
        self.update_info(files={path.name: _sha256(path.read_bytes()) for path in self._model_files()})

    def is_whole(self) -> bool:
        """Whether all files are there that `seal` has seen, and as they were."""
        try:
            for path in self._model_files():
                self.sealed(path)
        except RunError:
            return False
        return True

    def _model_files(self) -> tuple[Path, ...]:
        return self.labels_file, self.vocabulary_file, self.weights_file, self.model_file

    def sealed(self, file: Path) -> bytes:
        """The content of a file that `seal` has seen; RunError if it is missing, or another one by now."""
        content = read_file(self.require(file), most_bytes=MOST_MODEL_BYTES)
        if self.info().get("files", {}).get(file.name) != _sha256(content):
            raise damaged(file, "it is not the file that `seqtrain fit` wrote")
        return content

    def require(self, file: Path) -> Path:
        """A file of the run; RunError if it is not there, with how far the run got."""
        if file.is_file():
            return file
        raise RunError(
            f"{file}: no such file; the status of the run is {self.status()!r}",
            hint="A run has all its files when `seqtrain fit` has ended well; with --resume it goes on.",
        )


def folder_of_runs(place: Path) -> Path:
    """The folder that a run at this place is kept in; for one seed of a run, that of the whole run."""
    return place.parent.parent if Run(place.parent).exists() else place.parent


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
        return read_file(file, most_bytes=MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise damaged(file, "it is not UTF-8") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
