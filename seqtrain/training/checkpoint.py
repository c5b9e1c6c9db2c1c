"""Checkpoints: all that training needs to go on, as the files of one folder.

state.safetensors holds the weights under `weights/NAME` and the optimizer's moments under `slots/NAME`;
manifest.json holds the progress and the sha256 of the state.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from seqtrain.errors import RunError
from seqtrain.run.provenance import sha256
from seqtrain.training.loop import Progress

STATE, MANIFEST = "state.safetensors", "manifest.json"
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """weights and slots by name, and where training stood."""

    weights: Arrays
    slots: Arrays
    progress: Progress

    def write(self, folder: Path) -> None:
        """Fills a folder; raises OSError. No second copy of the arrays is made in memory."""
        tensors = {f"weights/{name}": array for name, array in self.weights.items()}
        tensors |= {f"slots/{name}": array for name, array in self.slots.items()}
        with _io_errors():
            save_file(tensors, folder / STATE)
        manifest = {"sha256": {STATE: sha256(folder / STATE)}, "progress": asdict(self.progress)}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Reads a checkpoint's folder; raises RunError where it is not whole."""
        with _whole(folder) as manifest:
            tensors, progress = load_file(folder / STATE), Progress.from_dict(manifest["progress"])
        return cls(_under("weights/", tensors), _under("slots/", tensors), progress)


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a checkpoint alone, by name; raises RunError where it is not whole."""
    with _whole(folder), safe_open(folder / STATE, framework="np") as state:
        names = [name for name in state.keys() if name.startswith("weights/")]  # noqa: SIM118
        return {name.removeprefix("weights/"): state.get_tensor(name) for name in names}


@contextmanager
def _whole(folder: Path) -> Iterator[dict[str, Any]]:
    """The manifest of a checkpoint whose state it describes."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if sha256(folder / STATE) != manifest["sha256"][STATE]:
            raise ValueError(f"{STATE} is not the file that {MANIFEST} describes")
        yield manifest
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise RunError(f"{folder}: the checkpoint is damaged: {error}") from error


@contextmanager
def _io_errors() -> Iterator[None]:
    """What safetensors says of an error of the operating system, as an OSError again."""
    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def _under(prefix: str, tensors: Arrays) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
