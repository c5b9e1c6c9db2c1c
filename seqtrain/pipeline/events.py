"""What a fit tells while it runs, besides the events of `training.loop`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqtrain.data.corpus import Corpora
from seqtrain.run import Run

if TYPE_CHECKING:
    from seqtrain.model.classifier import Architecture
    from seqtrain.pipeline.corpora import Rows
    from seqtrain.training.runtime import Runtime


@dataclass(frozen=True)
class Started:
    """There is a run folder, at first under a temporary name: `run.path` is always the current one.

    status: that of the run so far, if it is to go on; None for a new one. files: of the data.
    """

    run: Run
    status: str | None
    files: list[str]


@dataclass(frozen=True)
class AlreadyFinished:
    """The run to go on with was finished: nothing is left to do."""

    run: Run


@dataclass(frozen=True)
class Encoded:
    """The data are read. padding: its share of the positions in the first epoch's batches."""

    corpora: Corpora
    rows: Rows
    padding: float


@dataclass(frozen=True)
class WideFitted:
    """There is a wide path. longest: of its n-grams, in tokens; ngrams: how many of two tokens and more the training
    rows have, buckets: what they are put into, and collisions: how many of them share one with an earlier one.

    prefixes: the longest of words that count, in characters; None without any. refit: whether it was fitted to dev too,
    in the end. strength and interpolation: as chosen; dev: its metrics by itself, before that.
    """

    longest: int
    ngrams: int
    buckets: int
    collisions: int
    prefixes: int | None
    refit: bool
    strength: float
    interpolation: float
    dev: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class NoBaseline:
    """There is no baseline, though it was asked for. reason: why, in words."""

    reason: str


@dataclass(frozen=True)
class Compared:
    """The baseline beside the model. dev, baseline: the metrics of both; metric: by which they are compared.

    wide: whether the model has a wide path.
    """

    metric: str
    dev: Mapping[str, Any]
    baseline: Mapping[str, Any]
    wide: bool


@dataclass(frozen=True)
class Built:
    """There is a model, ready to be trained from where it stands. epochs: to train at most."""

    architecture: Architecture
    runtime: Runtime
    epochs: int


@dataclass(frozen=True)
class TakenOver:
    """Training begins with the weights of a run; words, labels: how many of the new run's were known to that one."""

    run: str
    words: int
    labels: int


@dataclass(frozen=True)
class Resumed:
    """Training goes on behind `step`, 0 if there was no checkpoint. status: of the run before.

    damaged: what is wrong with newer checkpoints; changes: what is another than before, and may change the numbers.
    """

    step: int
    status: str
    damaged: list[str]
    changes: list[str]


@dataclass(frozen=True)
class Stopped:
    """A signal ends training; a checkpoint has its state at `step`, unless that is 0."""

    step: int


@dataclass(frozen=True)
class Exported:
    """The weights best in `metric` are in model.onnx.

    difference: the largest from TensorFlow's in a probability, on dev and so many nasty texts.
    """

    step: int
    metric: str
    difference: float
    nasty: int
    dev: Mapping[str, Any]
