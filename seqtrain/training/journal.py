"""The course of training as files: a JSON object a line for programs, event records for TensorBoard."""

from __future__ import annotations

import json
import os
from typing import Any

from seqtrain.run import Run
from seqtrain.run.atomic import append, writing
from seqtrain.training.loop import Evaluated, Event, Stepped, Sums
from seqtrain.training.tensorboard import ScalarWriter

STEPS_BETWEEN_LINES = 50
DEV_SCORES = ("log_loss", "accuracy", "macro_f1")


class Journal:
    """A listener of the loop: appends to metrics.jsonl and to TensorBoard's file.

    Lines of event "step" tell of every 50th batch alone, "train" of all batches since the last evaluation, "dev" of
    an evaluation. All but the seconds and what is counted by them is the same each time the run is repeated.
    """

    def __init__(self, run: Run, *, size: int = 0, step: int = 0) -> None:
        """Goes on behind the first `size` bytes of metrics.jsonl, which tell of the steps up to `step`."""
        self._run = run
        with writing(run.journal_file):
            append(run.journal_file, "")
            if self.size() > size:
                os.truncate(run.journal_file, size)
            self._scalars = ScalarWriter(run.path, step)

    def size(self) -> int:
        """Bytes of metrics.jsonl so far."""
        return self._run.journal_file.stat().st_size

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stepped) and event.step % STEPS_BETWEEN_LINES == 0:
            self._write(event, "step", {**_ratios(event.sums), "gradient_norm": event.gradient_norm})
        elif isinstance(event, Evaluated):
            self._write(event, "train", _ratios(event.train))
            dev = {"loss" if name == "log_loss" else name: event.dev[name] for name in DEV_SCORES}
            self._write(event, "dev", {**dev, "best": event.improved, "seconds": event.seconds})

    def close(self) -> None:
        self._scalars.close()

    def _write(self, event: Stepped | Evaluated, kind: str, values: dict[str, Any]) -> None:
        line = {
            "event": kind,
            "step": event.step,
            "epoch": event.epoch + 1,
            "learning_rate": event.learning_rate,
            **values,
        }
        numbers = {f"{kind}/{name}": value for name, value in line.items() if isinstance(value, float)}
        with writing(self._run.journal_file):
            append(self._run.journal_file, json.dumps(line) + "\n")
            self._scalars.add(event.step, numbers)


def _ratios(sums: Sums) -> dict[str, float]:
    return {
        "loss": sums.loss / sums.weight,
        "accuracy": sums.correct / sums.weight,
        "tokens_per_second": sums.tokens / sums.seconds,
        "seconds": sums.seconds,
    }
