"""Whether an export answers as the model of its run does: the comparison that every export has to pass.

The run's model.onnx answers here, the export in a process of its own that has nothing but the export and the texts:
those of dev and the nasty ones, as bytes, in ragged batches. What is quantized is compared with the model of its
rounded numbers, as any export; and with the run's model on dev, to see what the rounding changed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqtrain.data.reader import Example
from seqtrain.errors import RunError
from seqtrain.evaluation.decision import decided
from seqtrain.export.fresh import answers
from seqtrain.inference.predictor import Predictor
from seqtrain.verification.texts import nasty_texts, ragged

TOLERANCE = 1e-5  # between the probabilities of two engines
LEAST_SAME_LABELS = 0.995  # of dev, after quantization
MOST_ACCURACY_CHANGED = 0.005  # a gain as well: it should be the same model
TIMED_TEXTS, ROUNDS = 1_000, 3


@dataclass(frozen=True)
class Parity:
    """How far an export is from what it should answer.

    dev, nasty: how many texts. other_labels: how many of them got another label. largest_difference: in a
    probability, at the text `worst`.
    """

    dev: int
    nasty: int
    other_labels: int
    largest_difference: float
    worst: str

    def problem(self) -> str:
        """Why the export is not to be used, or nothing."""
        if not self.other_labels and self.largest_difference <= TOLERANCE:
            return ""
        return (
            f"{self.other_labels:,} of {self.dev + self.nasty:,} texts get another label than from the run, and a "
            f"probability differs by {self.largest_difference:.1e} at {self.worst}; {TOLERANCE:.0e} is allowed"
        )


@dataclass(frozen=True)
class Quantization:
    """What the rounding of numbers did on dev: `same_labels` is the share of texts that kept theirs.

    Sizes in bytes, speeds in texts a second, measured in turns; `before`: of the run's model.
    """

    same_labels: float
    accuracy_before: float
    accuracy: float
    bytes_before: int
    texts_per_second_before: float
    texts_per_second: float

    def problem(self) -> str:
        """Why the export is not to be used, or nothing."""
        change = abs(self.accuracy - self.accuracy_before)
        if self.same_labels >= LEAST_SAME_LABELS and change <= MOST_ACCURACY_CHANGED:
            return ""
        return (
            f"{self.same_labels:.2%} of the dev texts keep their label, and {LEAST_SAME_LABELS:.1%} should; accuracy "
            f"goes from {self.accuracy_before:.4f} to {self.accuracy:.4f}, and {MOST_ACCURACY_CHANGED} is allowed"
        )


@dataclass(frozen=True)
class Report:
    """What is known of an export when it has been checked. bytes: of all its files."""

    bytes: int
    parity: Parity
    quantization: Quantization | None = None

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def raise_if_bad(self, out: Path) -> None:
        """RunError if the export is not to be used."""
        problem = self.parity.problem() or (self.quantization.problem() if self.quantization else "")
        if problem:
            raise RunError(f"{out}: the export fails its check: {problem}", hint="It was not written.")


def parity(expected: Predictor, rows: Sequence[Example], script: str, place: Path) -> Parity:
    """How an export, opened by a script of `reload`, answers next to what is expected of it. rows: of dev."""
    nasty = nasty_texts(expected.tokenizer)
    names = [*(f"{row.file}:{row.line}" for row in rows), *(f"the nasty text {name!r}" for name in nasty)]
    texts = [*(row.text.encode() for row in rows), *nasty.values()]
    found = answers(script, place, ragged(texts))
    probabilities = expected.probabilities([text.decode(errors="replace") for text in texts])
    labels = [expected.labels[column] for column in decided(probabilities, expected.threshold)]
    differences = np.abs(probabilities - found.probabilities).max(axis=1)
    worst = int(differences.argmax())
    return Parity(
        dev=len(rows),
        nasty=len(nasty),
        other_labels=sum(one != other for one, other in zip(labels, found.labels, strict=True)),
        largest_difference=float(differences[worst]),
        worst=names[worst],
    )


def quantization(
    before: Predictor, after: Predictor, bytes_before: int, rows: Sequence[Example]
) -> Quantization:
    """What became of a model by quantization, on labelled rows of dev."""
    texts = [row.text for row in rows]
    labels = np.array([before.labels.index(row.label or "") for row in rows])
    old, new = (decided(model.probabilities(texts), model.threshold) for model in (before, after))
    speeds = _speeds([before, after], texts[:TIMED_TEXTS])
    return Quantization(
        same_labels=float((old == new).mean()),
        accuracy_before=float((old == labels).mean()),
        accuracy=float((new == labels).mean()),
        bytes_before=bytes_before,
        texts_per_second_before=speeds[0],
        texts_per_second=speeds[1],
    )


def _speeds(models: Sequence[Predictor], texts: Sequence[str]) -> list[float]:
    """Texts a second of each, the median of rounds in turns."""
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(ROUNDS):
        for model, taken in zip(models, seconds, strict=True):
            start = time.perf_counter()
            model.probabilities(texts)
            taken.append(time.perf_counter() - start)
    return [len(texts) / statistics.median(taken) for taken in seconds]


def size(place: Path) -> int:
    """Of a file, or of all files below a folder, in bytes."""
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
