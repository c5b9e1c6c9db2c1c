"""This project's `seqtrain fit`, which says when it is how far.

    python seqtrain_job.py CONFIG RUN [--set KEY=VALUE ...] [--stop-after STEP] [--keep FOLDER]

Calls what the command calls, with another listener: a line of JSON on stdout says when the steps of STEPS were done,
and when each evaluation was. --keep links every checkpoint to FOLDER, for a run soon deletes them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqtrain.config import load_config

STEPS = (1, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run `seqtrain fit` and say when it is how far.")
    parser.add_argument("config", type=Path)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--stop-after", type=int, metavar="STEP")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to keep each checkpoint")
    options = parser.parse_args()
    config = load_config(options.config, options.overrides)
    from seqtrain.pipeline import fit

    with suppress(StoppedEarly):
        fit(config, out=options.run, overwrite=True, notify=Watch(options.keep, options.stop_after))


class StoppedEarly(BaseException):
    """All that was asked for has been said."""


class Watch:
    """Listens to `fit`."""

    def __init__(self, keep: Path | None, stop_after: int | None) -> None:
        self._keep, self._stop_after = keep, stop_after
        self._run: Any = None
        self._evaluated: Any = None

    def __call__(self, event: Any) -> None:
        from seqtrain.pipeline.events import Exported, Started
        from seqtrain.training.loop import Evaluated, Stepped

        if isinstance(event, Started):
            self._run = event.run
        elif isinstance(event, Stepped):
            if event.step in STEPS:
                say(step=event.step)
            if event.step == self._stop_after:
                raise StoppedEarly
        elif isinstance(event, Evaluated):
            say(epoch=event.epoch + 1, dev=event.dev["accuracy"])
            self._keep_last()
            self._evaluated = event
        elif isinstance(event, Exported):
            self._keep_last()

    def _keep_last(self) -> None:
        """Keeps the checkpoint of the last evaluation but this one: it is on the disk by now, and not deleted yet."""
        if self._keep and self._evaluated:
            checkpoint = self._run.checkpoint(self._evaluated.step)
            shutil.copytree(checkpoint, self._keep / f"{self._evaluated.epoch + 1}", copy_function=os.link)


def say(**what: float) -> None:
    print(json.dumps({**what, "at": time.time()}), flush=True)


if __name__ == "__main__":
    main()
