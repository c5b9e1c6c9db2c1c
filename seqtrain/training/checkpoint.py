"""Checkpoints: all that training needs to go on, as the files of one folder.

state.safetensors holds the weights under `weights/NAME` and the optimizer's moments under `slots/NAME`;
manifest.json holds the progress, the length of metrics.jsonl, the sha256 of the state and that of itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqtrain.errors import RunError
from seqtrain.run.provenance import sha256
from seqtrain.run.tensors import read_tensors, write_tensors
from seqtrain.training.loop import Progress
from seqtrain.untrusted import all_finite, parse_json, read_file

STATE, MANIFEST = "state.safetensors", "manifest.json"
MOST_MANIFEST_BYTES = 1 << 16
Arrays = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Checkpoint:
    """weights and slots by name, where training stood, and how many bytes of metrics.jsonl tell of it."""

    weights: Arrays
    slots: Arrays
    progress: Progress
    journal_bytes: int

    def write(self, folder: Path) -> None:
        """Fills a folder; raises OSError. No second copy of the arrays is made in memory."""
        write_tensors(folder / STATE, self.tensors())
        content = {
            "state_sha256": sha256(folder / STATE),
            "progress": asdict(self.progress),
            "journal_bytes": self.journal_bytes,
        }
        manifest = {**content, "sha256": _digest(content)}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")

    def is_finite(self) -> bool:
        """Whether the weights and moments are numbers."""
        return all(map(all_finite, self.tensors().values()))

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays under the names that they have in the file."""
        weights = {f"weights/{name}": array for name, array in self.weights.items()}
        return weights | {f"slots/{name}": array for name, array in self.slots.items()}

    @classmethod
    def read(cls, folder: Path, shapes: Shapes) -> Checkpoint:
        """Reads a checkpoint's folder; shapes: of its tensors. RunError, naming the file, where it is not whole."""
        manifest = _Manifest.read(folder / MANIFEST)
        tensors = read_tensors(folder / STATE, shapes)
        manifest.check(folder / STATE)
        weights, slots = _under("weights/", tensors), _under("slots/", tensors)
        return cls(weights, slots, manifest.progress, manifest.journal_bytes)


def read_weights(folder: Path, shapes: Shapes) -> dict[str, np.ndarray]:
    """The weights of a checkpoint alone, by name; otherwise like `Checkpoint.read`."""
    manifest = _Manifest.read(folder / MANIFEST)
    names = [name for name in shapes if name.startswith("weights/")]
    tensors = read_tensors(folder / STATE, shapes, only=names)
    manifest.check(folder / STATE)
    return _under("weights/", tensors)


@dataclass(frozen=True)
class _Manifest:
    state_sha256: str
    progress: Progress
    journal_bytes: int

    @classmethod
    def read(cls, path: Path) -> _Manifest:
        values = parse_json(read_file(path, most_bytes=MOST_MANIFEST_BYTES), str(path))
        try:
            if values.pop("sha256") != _digest(values):
                raise ValueError("its content is not what was written")
            manifest = cls(**{**values, "progress": Progress.from_dict(values["progress"])})
            if type(manifest.journal_bytes) is not int or manifest.journal_bytes < 0:
                raise ValueError("journal_bytes is no size")
            return manifest
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path}: is damaged: {error}") from error

    def check(self, state: Path) -> None:
        """RunError unless the state, a file of the right size, is the one that was written with this manifest."""
        if sha256(state) != self.state_sha256:
            raise RunError(f"{state}: is damaged: it is not the file that {MANIFEST} describes")


def _digest(content: Mapping[str, Any]) -> str:
    """The sha256 of the content of a manifest."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _under(prefix: str, tensors: Arrays) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
