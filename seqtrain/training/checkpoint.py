"""Checkpoints: all that training needs to go on, as the files of one folder.

state.safetensors holds the weights under `weights/NAME` and the optimizer's moments under `slots/NAME`;
manifest.json holds the progress and the sha256 of the state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as unpack_tensors
from safetensors.numpy import save as pack_tensors

from seqtrain.errors import RunError
from seqtrain.training.loop import Progress

STATE, MANIFEST = "state.safetensors", "manifest.json"
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """weights and slots by name, and where training stood."""

    weights: Arrays
    slots: Arrays
    progress: Progress

    def files(self) -> dict[str, bytes]:
        """File name → content."""
        tensors = {f"weights/{name}": array for name, array in self.weights.items()}
        tensors |= {f"slots/{name}": array for name, array in self.slots.items()}
        state = pack_tensors(tensors)
        manifest = {"sha256": {STATE: hashlib.sha256(state).hexdigest()}, "progress": asdict(self.progress)}
        return {STATE: state, MANIFEST: json.dumps(manifest, indent=2).encode() + b"\n"}

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Reads a checkpoint's folder; raises RunError where it is not whole."""
        try:
            state, manifest = (folder / STATE).read_bytes(), json.loads((folder / MANIFEST).read_bytes())
            if hashlib.sha256(state).hexdigest() != manifest["sha256"][STATE]:
                raise ValueError(f"{STATE} is not the file that {MANIFEST} describes")
            tensors, progress = unpack_tensors(state), Progress.from_dict(manifest["progress"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RunError(f"{folder}: the checkpoint is damaged: {error}") from error
        return cls(_under("weights/", tensors), _under("slots/", tensors), progress)


def _under(prefix: str, tensors: Arrays) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
