"""What has to be the same in a run that was interrupted and in one that was not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from seqtrain.run import Run

TIMINGS = {"seconds", "tokens_per_second"}


def outcome(folder: Path) -> dict[str, Any]:
    """The sha256 of the files that make the model, and of the newest checkpoint's; where it stood; metrics.jsonl."""
    run = Run(folder)
    checkpoint = list(run.checkpoints().values())[-1]
    files = [run.weights_file, run.vocabulary_file, run.labels_file, run.model_file, run.metrics_file("dev")]
    sha256 = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (*files, checkpoint / "state.safetensors")
    }
    return {
        **sha256,
        "progress": timeless(json.loads((checkpoint / "manifest.json").read_bytes())["progress"]),
        "journal": [timeless(json.loads(line)) for line in run.journal_file.read_text().splitlines()],
    }


def timeless(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is another number each time."""
    return {
        name: timeless(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if name not in TIMINGS
    }
