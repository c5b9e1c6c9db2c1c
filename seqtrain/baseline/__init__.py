"""A linear classifier to compare a model with, fitted beside its training in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seqtrain.errors import SeqtrainError

MOST_TOKENS = 5_000_000
"""Of the training rows. With more of them it takes longer than what it is to be compared with is worth."""

_REQUIRED = ("numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "narwhals")
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Baseline:
    """TF-IDF and logistic regression on the corpora in a folder: its process, from the start on.

    Made for a with block: the process is not there any more at its end. The folder may be moved meanwhile.
    """

    def __init__(self, corpora: Path, metric: str, class_weights: Sequence[float]) -> None:
        """corpora: what `Corpora.save` left; the rest is that of `best_on_dev`, which works in the process."""
        arguments = json.dumps({"metric": metric, "class_weights": list(class_weights)})
        stdin, leash = os.pipe()
        self._leash = open(leash, "wb")  # noqa: SIM115, until `close`
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _code(), arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=corpora,
                env={**os.environ, **_THREADS},
            )
        except OSError as error:
            self._problem = f"its process cannot be started: {error}"
        finally:
            os.close(stdin)

    def __enter__(self) -> Baseline:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def result(self) -> dict[str, Any]:
        """Waits for what `evaluate` says of dev, besides `c`, `features`, and `seconds` of processor time.

        Raises SeqtrainError, whose message says what went wrong, if the process cannot be started or fails.
        """
        if self._process is None:
            raise SeqtrainError(self._problem)
        stdout, stderr = self._process.communicate()
        if self._process.returncode:
            raise SeqtrainError(_reason(self._process.returncode, stderr))
        return _checked(stdout)

    def close(self) -> None:
        """Ends the process, wherever it is."""
        self._leash.close()
        if self._process is not None:
            with self._process:
                self._process.kill()


def _code() -> str:
    """What the process runs: the standard library comes first, no file in the current folder stands in for a module."""
    specs = [find_spec(name) for name in ("seqtrain", *_REQUIRED)]
    packages = dict.fromkeys(str(Path(spec.origin).parents[1]) for spec in specs if spec and spec.origin)
    return f"import sys; sys.path += {[*packages]}; from seqtrain.baseline.worker import main; main()"


def _reason(code: int, stderr: bytes) -> str:
    """The last line that a process said, without what is indented as it belongs to a line before."""
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    lines = stderr.decode("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line[:1].strip()), f"its process ended with code {code}")


def _checked(stdout: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(stdout)
        float(answer["c"]), int(answer["features"]), float(answer["seconds"])
    except (ValueError, TypeError, KeyError) as error:
        raise SeqtrainError("its process answers with something else than figures") from error
    return answer
