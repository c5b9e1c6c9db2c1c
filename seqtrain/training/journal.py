"""The course of training as files: a JSON object a line for programs, event records for TensorBoard."""

from __future__ import annotations

import json
from typing import Any

from seqtrain.run import Run
from seqtrain.run.atomic import writing
from seqtrain.training.loop import Evaluated, Event, Stepped, Sums
from seqtrain.training.tensorboard import ScalarWriter

STEPS_BETWEEN_LINES = 50
DEV_SCORES = ("log_loss", "accuracy", "macro_f1")


class Journal:
    """A listener of the loop: appends to metrics.jsonl and to TensorBoard's file.

    Lines of event "step" tell of every 50th batch alone, "train" of all batches since the last evaluation, "dev" of
    an evaluation. All but the seconds and what is counted by them is the same each time the run is repeated.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._scalars = run, ScalarWriter(run.path)

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
        with writing(self._run.journal_file), self._run.journal_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        numbers = {name: value for name, value in line.items() if isinstance(value, float)}
        self._scalars.add(event.step, {f"{kind}/{name}": value for name, value in numbers.items()})


def _ratios(sums: Sums) -> dict[str, float]:
    return {
        "loss": sums.loss / sums.weight,
        "accuracy": sums.correct / sums.weight,
        "tokens_per_second": sums.tokens / sums.seconds,
        "seconds": sums.seconds,
    }
