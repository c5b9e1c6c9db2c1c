"""What an export answers in a process of its own, which has nothing but the export and the texts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.errors import RunError

SCRIPTS = Path(__file__).with_name("reload")


class Answers(NamedTuple):
    """labels: one a text; probabilities <float32>[texts, classes]."""

    labels: list[str]
    probabilities: NDArray[np.float32]


def answers(script: str, path: Path, batches: Sequence[Sequence[bytes]]) -> Answers:
    """Those of the export at a path for the texts of all batches, in order; script: a name in the folder `reload`.

    The texts, at least one, are run in these batches. The process starts in an empty folder. RunError if it fails, or
    answers with something else.
    """
    # JSON has no bytes; in Latin-1 each of the 256 is a character.
    request = json.dumps([[text.decode("latin-1") for text in batch] for batch in batches])
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), str(path.absolute())]
    with tempfile.TemporaryDirectory() as empty:
        # `run` kills the process when this one is interrupted.
        done = subprocess.run(command, input=request.encode(), capture_output=True, cwd=empty, check=False)
    if done.returncode:
        raise RunError(f"{path}: a fresh process cannot use the export: {_reason(done)}")
    return _checked(done.stdout, texts=sum(map(len, batches)), origin=path)


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line that a process said, without what belongs to a line before it and so is indented."""
    if done.returncode < 0:
        return f"it was killed by {signal.Signals(-done.returncode).name}"
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return next(
        (line for line in reversed(lines) if line[:1].strip()), f"it ended with code {done.returncode}"
    )


def _checked(stdout: bytes, texts: int, origin: Path) -> Answers:
    """The answers for so many texts; RunError unless they are what a classifier answers."""
    where = f"{origin}: in a fresh process the export"
    try:
        content = json.loads(stdout)
        found = Answers(list(content["labels"]), np.array(content["probabilities"], np.float32))
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{where} answers with something else than labels and probabilities") from error
    if found.probabilities.ndim != 2 or not len(found.labels) == len(found.probabilities) == texts:
        raise RunError(f"{where} does not have one answer for each of {texts:,} texts")
    if not np.isfinite(found.probabilities).all():
        raise RunError(f"{where} answers with probabilities that are no numbers")
    return found
