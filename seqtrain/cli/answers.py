"""The lines that `seqtrain predict` writes, a window of texts at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqtrain.data.formats.record import Example
from seqtrain.data.rejected import escaped
from seqtrain.evaluation.decision import decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ABSTAINED = "?"

_json = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each record


@dataclass(frozen=True, slots=True)
class Answers:
    """Turns records and their probabilities into lines.

    form: of FORMS. keep: the columns that the records carry along. probabilities: those of all labels as well. top_k:
    so many labels in place of one. threshold, abstain: see `choose`.

    A threshold may say that the less probable of two labels is the answer: then it comes first in a line of `_tsv`, as
    any answer does, and the list of `_jsonl` stays in the order of the probabilities.
    """

    labels: Sequence[str]
    form: str
    keep: Sequence[int | str]
    probabilities: bool
    top_k: int | None
    threshold: float | None
    abstain: float | None

    def lines(self, rows: Sequence[Example], probabilities: NDArray[np.float32]) -> Iterator[str]:
        """A line, with its end, for each of the rows; probabilities <float32>[rows, classes]."""
        chosen, shown = choose(probabilities, self.threshold, self.abstain)
        names = [*self.labels, ABSTAINED]  # the last is that of number -1
        line = FORMS[self.form]
        for row, number, probability, values in zip(
            rows, chosen.tolist(), shown.tolist(), probabilities.tolist(), strict=True
        ):
            yield line(self, names[number], probability, values, row.kept) + "\n"

    def top(self, values: Sequence[float]) -> list[tuple[str, float]]:
        """The most probable labels with their probabilities, the surest first, ties in the order of the labels."""
        return sorted(zip(self.labels, values, strict=True), key=lambda pair: -pair[1])[: self.top_k]


def choose(
    probabilities: NDArray[np.float32], threshold: float | None, abstain: float | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The number of each row's label, and its probability.

    The label is that of `decided`. Where the highest probability is below `abstain` it is -1, and the probability is
    the highest.
    """
    import numpy as np  # here, because the help of the command needs none of it

    top = probabilities.max(axis=1)
    chosen = decided(probabilities, threshold)
    shown = np.take_along_axis(probabilities, chosen[:, None], axis=1)[:, 0]
    unsure = top < (0 if abstain is None else abstain)
    return np.where(unsure, -1, chosen), np.where(unsure, top, shown)


def _tsv(
    answers: Answers, label: str, probability: float, values: Sequence[float], kept: Sequence[Any]
) -> str:
    cells = [label, f"{probability:.4f}"]
    if answers.top_k:
        others = [pair for pair in answers.top(values) if pair[0] != label][: answers.top_k - 1]
        cells += [cell for name, value in others for cell in (name, f"{value:.4f}")]
    if answers.probabilities:
        cells += [f"{value:.4f}" for value in values]
    cells += [escaped((value if isinstance(value, str) else _json(value)).encode()) for value in kept]
    return "\t".join(cells)


def _jsonl(
    answers: Answers, label: str, probability: float, values: Sequence[float], kept: Sequence[Any]
) -> str:
    record: dict[str, Any] = {"label": label, "probability": round(probability, 6)}
    if answers.probabilities:
        pairs = zip(answers.labels, values, strict=True)
        record["probabilities"] = {name: round(value, 6) for name, value in pairs}
    if answers.top_k:
        record["top"] = [
            {"label": name, "probability": round(value, 6)} for name, value in answers.top(values)
        ]
    if answers.keep:
        record["kept"] = dict(zip(map(str, answers.keep), kept, strict=True))
    return _json(record)


FORMS = {"tsv": _tsv, "jsonl": _jsonl}
