"""A trained run, opened to answer: labels for new texts, metrics for labelled ones. Never imports TensorFlow."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example, expand, read, read_stream
from seqtrain.data.splits import Splits
from seqtrain.errors import DataError
from seqtrain.evaluation.metrics import evaluate
from seqtrain.inference.predictor import Predictor
from seqtrain.run import Run

LONGEST_LINE = 1 << 20  # bytes, of a text in a stream


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable label of a text, its probability, and that of every label, in the order of labels.txt."""

    label: str
    probability: float
    probabilities: Mapping[str, float]

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable labels with their probabilities, the surest first; ties in the order of labels.txt."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:count]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A labelled row that the model got wrong, and how sure it was."""

    row: Example
    prediction: Prediction


class TrainedModel:
    """The model of a run folder; made by `seqtrain.load`."""

    def __init__(self, run: Run, *, threads: int | None = None) -> None:
        self.run = run
        model = run.sealed(run.model_file)
        self._predictor = Predictor(model, origin=str(run.model_file), threads=threads)

    @property
    def labels(self) -> list[str]:
        return self._predictor.labels

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """An answer for each text, in their order; an empty text gets one like any other."""
        return [self._prediction(row) for row in self._predictor.probabilities(texts)]

    def stream(self, rows: Iterable[Example]) -> Iterator[tuple[Example, Prediction]]:
        """Each row with the answer for its text, in order and in bounded memory."""
        for row, probabilities in self._predictor.stream(rows, text=attrgetter("text")):
            yield row, self._prediction(probabilities)

    def evaluate(
        self, path: str | Path | Sequence[str | Path] | None = None, *, split: str = "test"
    ) -> dict[str, Any]:
        """The metrics on labelled files of the run's format or, without a path, on a split of the run's own data.

        Rows that cannot be used are skipped if the run's config skips them. Otherwise DataError is raised, and
        UsageError if the run has no such split.
        """
        metrics, _ = self.measure(self.labelled_rows(path, split=split), self.problems())
        return metrics

    def problems(self) -> Problems:
        """Where `measure` counts rows: bad ones are an error, unless the run's config skips them."""
        from seqtrain.settings import skips_bad_rows

        return Problems(lambda row: None) if skips_bad_rows(self.run.config()) else Problems()

    def source(self, split: str) -> str:
        """Like "data/test.tsv, the test split of the run's config"; UsageError if the run has no such split."""
        splits = self._own_splits()
        files = splits.files(split)
        names = listed([files] if isinstance(files, str) else files)
        part = "part of which is " if splits.is_drawn(split) else ""
        return f"{names}, {part}the {split} split of the run's config"

    def labelled_rows(
        self, path: str | Path | Sequence[str | Path] | None = None, *, split: str = "test"
    ) -> Iterator[Example | BadRow]:
        """The rows that `evaluate` measures the model on."""
        if path is None:
            splits = self._own_splits()
            if splits.is_drawn(split):
                self._require_unchanged(expand(splits.files(split)))
            return splits.rows(split)
        paths = [path] if isinstance(path, str | Path) else path
        return replace(self._splits(), test=[str(name) for name in paths]).rows("test")

    def texts(self, path: str | Path) -> Iterator[Example | BadRow]:
        """The texts of a file in the run's format, labels or not."""
        splits = self._splits()
        return read(path, columns=splits.columns, labelled=False, max_line_bytes=splits.max_line_bytes)

    def text_lines(self, stream: IO[bytes], name: str) -> Iterator[Example | BadRow]:
        """The lines of a stream, each a text; `name` stands for it in messages."""
        return read_stream(stream, name, max_line_bytes=LONGEST_LINE, remedy="shorten it")

    def _splits(self) -> Splits:
        from seqtrain.settings import data_splits

        return data_splits(self.run.config())

    def _own_splits(self) -> Splits:
        """The splits of the run's config, their files named as seen from here."""
        return self._splits().seen_from(self.run.info().get("start_folder", "."))

    def _require_unchanged(self, files: Iterable[Path]) -> None:
        """DataError if a file's content was not among the data of the run: what was drawn then cannot be again."""
        from seqtrain.run.provenance import (
            file_hashes,  # here, because a prediction needs none of its imports
        )

        known = self.run.info().get("data_sha256", {}).values()
        for path, sha256 in file_hashes(files).items():
            if sha256 not in known:
                raise DataError(
                    f"{path}: has changed since the run was trained, which drew its dev rows from it",
                    hint="Name other rows with --data, or train again with `seqtrain fit`.",
                )

    def measure(
        self, rows: Iterable[Example | BadRow], problems: Problems
    ) -> tuple[dict[str, Any], list[Mistake]]:
        """The metrics on these rows, and the rows that the model got wrong, the surest first.

        The rows are counted in `problems`; DataError if they are too bad for it, see `Problems.raise_if_any`.
        """
        known = problems.usable(rows, self.labels)
        label_ids = {label: index for index, label in enumerate(self.labels)}
        truth, answers, weights, mistakes = array("i"), [], array("f"), []
        for row, probabilities in self._predictor.stream(known, text=attrgetter("text")):
            truth.append(label_ids[row.label or ""])
            weights.append(row.weight)
            answers.append(probabilities)
            if probabilities.argmax() != truth[-1]:
                mistakes.append(Mistake(replace(row, row=b""), self._prediction(probabilities)))
        problems.raise_if_any()
        metrics = evaluate(np.array(truth), np.stack(answers), np.array(weights), self.labels)
        return metrics, sorted(mistakes, key=lambda mistake: -mistake.prediction.probability)

    def _prediction(self, probabilities: NDArray[np.float32]) -> Prediction:
        best = int(probabilities.argmax())
        by_label = dict(zip(self.labels, probabilities.tolist(), strict=True))
        return Prediction(self.labels[best], by_label[self.labels[best]], by_label)
