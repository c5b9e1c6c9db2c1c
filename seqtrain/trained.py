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
from seqtrain.evaluation.assessment import assess
from seqtrain.evaluation.decision import decided
from seqtrain.inference.metadata import Decision
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.streaming import Pauses, never
from seqtrain.run import Run, open_run
from seqtrain.suggestion import nearest
from seqtrain.untrusted import damaged

LONGEST_LINE = 1 << 20  # bytes, of a text in a stream, and where no config says another number
TEXT = attrgetter("text")
NO_SPLITS = Splits((), (), (), columns=None, split_seed=0, max_line_bytes=LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of a text, its probability, and that of every label, in the order of labels.txt.

    The label is the most probable one or, where the model has a decision, what its threshold says.
    """

    label: str
    probability: float
    probabilities: Mapping[str, float]

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable labels with their probabilities, the surest first, whatever `label` is; ties in the order
        of labels.txt."""
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
    def decision(self) -> Decision | None:
        """How one of two labels is chosen; None: the most probable one is the answer."""
        return self.predictor.decision

    @property
    def card(self) -> dict[str, Any]:
        """Which release wrote the model, the sha256 of its data files (`data_sha256`), its `metrics` on dev."""
        return self.predictor.card

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """An answer for each text, in their order; an empty text gets one like any other."""
        return self._predictions(self.predictor.probabilities(texts))

    def stream(self, rows: Iterable[Example]) -> Iterator[tuple[Example, Prediction]]:
        """Each row with the answer for its text, in order and in bounded memory."""
        for row, probabilities in self.predictor.stream(rows, TEXT):
            yield row, self._predictions(probabilities[None])[0]

    def windows(
        self, rows: Iterable[Example], *, size: int | None = None, pauses: Pauses = never
    ) -> Generator[tuple[list[Example], NDArray[np.float32]]]:
        """Rows in lists with their probabilities <float32>[rows, classes]; as `Predictor.windows`, which says more."""
        windows = self.predictor.windows(rows, TEXT, size=size, characters=_characters, pauses=pauses)
        for window, (probabilities,) in windows:
            yield window, probabilities

    def evaluate(
        self, path: str | Path | Sequence[str | Path] | None = None, *, split: str = "test"
    ) -> dict[str, Any]:
        """What `measure` says of labelled files of the run's format or, without a path, of a split of the run's data.

        Rows that cannot be used are skipped if the run's config skips them. Otherwise DataError is raised, and
        UsageError if the run has no such split. They are in-sample if the run was fitted to them, see `seen`.
        """
        paths = [path] if isinstance(path, str | Path) else path
        rows = self.labelled_rows(paths, split=split)
        is_new = (path is not None or split == "test") and not self.seen(paths)
        metrics, _ = self.measure(rows, self.problems(), in_sample=not is_new)
        return metrics

    def seen(self, files: Sequence[str | Path] | None = None) -> Mapping[Path, str]:
        """Those of the files, None: of the run's test split, that the run was fitted to, each with its split: "train",
        or "dev", which it was chosen and scaled on."""
        if self.run is None:
            return {}
        from seqtrain.in_sample import fitted_to  # here, because a prediction needs none of its imports

        return fitted_to(self.run, files)

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
        self, rows: Iterable[Example | BadRow], problems: Problems, *, in_sample: bool = False
    ) -> tuple[dict[str, Any], list[Mistake]]:
        """What `assess` says of these rows, and those that the model got wrong, the surest first.

        in_sample: whether the model was fitted or calibrated on these rows. They are counted in `problems`; DataError
        if they are too bad for it, see `Problems.raise_if_any`.
        """
        label_ids = {label: index for index, label in enumerate(self.labels)}
        truth, answers, weights, mistakes = array("i"), [], array("f"), []
        usable, outputs = problems.usable(rows, self.labels), self.predictor.outputs
        for window, answer in self.predictor.windows(usable, TEXT, characters=_characters, outputs=outputs):
            probabilities = answer[0]
            labels = [label_ids[row.label or ""] for row in window]
            truth.extend(labels)
            answers.append(answer)
            weights.extend(row.weight for row in window)
            wrong = np.flatnonzero(decided(probabilities, self.predictor.threshold) != labels)
            predictions = zip(wrong, self._predictions(probabilities[wrong]), strict=True)
            mistakes += [
                Mistake(replace(window[row], row=b""), prediction) for row, prediction in predictions
            ]
        problems.raise_if_any()
        probabilities, *before = np.concatenate(answers, axis=1)
        metrics = assess(
            np.array(truth),
            probabilities,
            np.array(weights),
            self.labels,
            threshold=self.predictor.threshold,
            logits_before=before[0] if before else None,
            in_sample=in_sample,
        )
        return metrics, sorted(mistakes, key=lambda mistake: -mistake.prediction.probability)

    def _predictions(self, probabilities: NDArray[np.float32]) -> list[Prediction]:
        """Of each row of probabilities [rows, classes]."""
        numbers = decided(probabilities, self.predictor.threshold).tolist()
        return [
            Prediction(self.labels[number], values[number], dict(zip(self.labels, values, strict=True)))
            for number, values in zip(numbers, probabilities.tolist(), strict=True)
        ]


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
