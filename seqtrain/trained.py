"""A trained model, opened to answer: labels for new texts, metrics for labelled ones. Never imports TensorFlow."""

from __future__ import annotations

import os
from array import array
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.formats.lines import ByteStream
from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example, expand, read, read_stream
from seqtrain.data.reading import Reading
from seqtrain.data.splits import Splits
from seqtrain.errors import DataError, RunError, UsageError
from seqtrain.evaluation.metrics import evaluate
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.streaming import Pauses, never
from seqtrain.run import Run, open_run
from seqtrain.suggestion import nearest
from seqtrain.untrusted import damaged

LONGEST_LINE = 1 << 20  # bytes, of a text in a stream, and where no config says another number
NO_SPLITS = Splits((), (), (), columns=None, split_seed=0, max_line_bytes=LONGEST_LINE)


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
    """A model with the run that it comes from, or without one; made by `seqtrain.load`."""

    def __init__(self, predictor: Predictor, run: Run | None = None) -> None:
        self.predictor, self.run = predictor, run

    @property
    def labels(self) -> list[str]:
        return self.predictor.labels

    @property
    def card(self) -> dict[str, Any]:
        """Which release wrote the model, the sha256 of its data files (`data_sha256`), its `metrics` on dev."""
        return self.predictor.card

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """An answer for each text, in their order; an empty text gets one like any other."""
        return [self._prediction(row) for row in self.predictor.probabilities(texts)]

    def stream(self, rows: Iterable[Example]) -> Iterator[tuple[Example, Prediction]]:
        """Each row with the answer for its text, in order and in bounded memory."""
        for row, probabilities in self.predictor.stream(rows, text=attrgetter("text")):
            yield row, self._prediction(probabilities)

    def windows(
        self, rows: Iterable[Example], *, size: int | None = None, pauses: Pauses = never
    ) -> Generator[tuple[list[Example], NDArray[np.float32]]]:
        """Rows in lists with their probabilities <float32>[rows, classes]; as `Predictor.windows`, which says more."""
        text = attrgetter("text")
        return self.predictor.windows(rows, text, size=size, characters=_characters, pauses=pauses)

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
        if self.run is None:
            return Problems()
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
            if self.run is not None and splits.is_drawn(split):
                self._require_unchanged(self.run, expand(splits.files(split)))
            return splits.rows(split)
        paths = [path] if isinstance(path, str | Path) else path
        return replace(self._splits(), test=[str(name) for name in paths]).rows("test")

    def texts(
        self, path: str | Path, *, format: str | None = None, keep: tuple[int | str, ...] = ()
    ) -> Iterator[Example | BadRow]:
        """The texts of a file with the run's columns, labels or not; `format` and `keep` as the reader has them."""
        reading = self._reading()
        return read(
            path,
            columns=reading.columns,
            labelled=False,
            max_line_bytes=reading.max_line_bytes,
            format=format,
            keep=keep,
        )

    def text_lines(
        self, stream: ByteStream, name: str, *, format: str = ".txt", keep: tuple[int | str, ...] = ()
    ) -> Iterator[Example | BadRow]:
        """The texts of a stream, by default one a line; `name` stands for it in messages."""
        return read_stream(
            stream,
            name,
            format=format,
            columns=self._reading().columns,
            max_line_bytes=LONGEST_LINE,
            remedy="shorten it",
            keep=keep,
        )

    def _reading(self) -> Reading:
        if self.run is None:
            return NO_SPLITS.reading()
        try:
            return Reading.from_facts(self.run.info().get("reading"))
        except ValueError as error:
            raise damaged(self.run.info_file, f"reading {error}") from error

    def _splits(self) -> Splits:
        if self.run is None:
            return NO_SPLITS
        from seqtrain.settings import data_splits  # here, because a prediction needs none of its imports

        return data_splits(self.run.config())

    def _own_splits(self) -> Splits:
        """The splits of the run's config, their files named as seen from here."""
        if self.run is None:
            raise UsageError("a model file by itself names no data", hint="Name labelled files with --data.")
        return self._splits().seen_from(self.run.info().get("start_folder", "."))

    def _require_unchanged(self, run: Run, files: Iterable[Path]) -> None:
        """DataError if a file's content was not among the data of the run: what was drawn then cannot be again."""
        from seqtrain.run.provenance import file_hashes

        known = run.info().get("data_sha256", {}).values()
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
        for row, probabilities in self.predictor.stream(known, text=attrgetter("text")):
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


def _characters(row: Example) -> int:
    return len(row.text) + len(row.row)


def open_model(
    path: str | Path | None = None, *, threads: int | None = None, strict: bool = True
) -> TrainedModel:
    """Opens the model of a run folder, by default of the newest below runs/, or a model file by itself.

    threads and strict: as `Predictor` has them. Raises RunError for what is missing, damaged or unfinished.
    """
    if path is not None and os.path.isfile(path):
        return TrainedModel(Predictor(path, threads=threads, strict=strict))
    if path is not None and not os.path.exists(path) and (near := _nearest_model(Path(path))):
        raise RunError(f"{path}: no such file", hint=f"Did you mean {str(near)!r}?")
    run = open_run(path)
    model = run.sealed(run.model_file)
    return TrainedModel(Predictor(model, origin=str(run.model_file), threads=threads, strict=strict), run)


def _nearest_model(missed: Path) -> Path | None:
    """The model file beside `missed` whose name is most like its name, if one is; runs have no suffix."""
    files = {file.name: file for file in missed.parent.glob("*.onnx")} if missed.suffix else {}
    near = nearest(missed.name, files)
    return None if near is None else files[near]
