"""The training loop: a generator that says what happened and leaves files and screens to its listeners."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Sums:
    """What batches add up to; ratios are made where they are shown. loss, correct, weight: weighted by example."""

    loss: float = 0.0
    correct: float = 0.0
    weight: float = 0.0
    tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.loss + other.loss,
            self.correct + other.correct,
            self.weight + other.weight,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
        )


@dataclass
class Progress:
    """Where training stands: all the state of the loop, and all of it goes into a checkpoint.

    step counts finished steps, epoch finished epochs, position finished batches of the epoch under way;
    since_evaluation is what was trained since the evaluation at `evaluated_step`.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    evaluated_step: int = 0
    since_evaluation: Sums = Sums()
    best_score: float | None = None
    best_step: int | None = None
    evaluations_without_improvement: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Progress:
        """The inverse of `dataclasses.asdict`; TypeError for values of another type."""
        progress = cls(**{**values, "since_evaluation": Sums(**values["since_evaluation"])})
        _check_types(progress)
        _check_types(progress.since_evaluation)
        return progress


_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float,),
    "int | None": (int, type(None)),
    "float | None": (float, type(None)),
    "Sums": (Sums,),
}


def _check_types(values: Any) -> None:
    """TypeError for a field of Progress or Sums that is of another type than it says, or below zero."""
    for item in fields(values):
        value = getattr(values, item.name)
        if type(value) not in _KINDS[str(item.type)] or (isinstance(value, int | float) and value < 0):
            raise TypeError(f"{item.name} is {value!r}")


@dataclass(frozen=True)
class Stepped:
    """A batch was trained on. done: the share of training, 0 to 1, that lay behind when it was."""

    step: int
    epoch: int
    done: float
    sums: Sums
    learning_rate: float
    gradient_norm: float


@dataclass(frozen=True)
class Evaluated:
    """The model was measured on dev. train: the sums since the last evaluation; improved: strictly the best so far."""

    step: int
    epoch: int
    done: float
    train: Sums
    dev: Mapping[str, Any]
    learning_rate: float
    improved: bool
    seconds: float


@dataclass(frozen=True)
class Finished:
    """Training is over. reason: "epochs" or "patience"."""

    step: int
    reason: str


Event = Stepped | Evaluated | Finished
Step = Callable[[Any, int, float], tuple[Sums, float]]


@dataclass(frozen=True)
class Rules:
    """How long to train, when to evaluate, when to stop.

    evaluate_every: steps between evaluations; None means the end of each epoch. The end of training always evaluates.
    patience: evaluations in a row without improvement after which to stop; None means never. metric: the dev score
    to watch, direction: +1 where more is better, -1 where less is.
    """

    epochs: int
    evaluate_every: int | None
    patience: int | None
    metric: str
    direction: int


def train(
    step: Step,
    evaluate: Callable[[], Mapping[str, Any]],
    epoch_batches: Callable[[int], Sequence[Any]],
    learning_rate: Callable[[float], float],
    rules: Rules,
    progress: Progress,
) -> Iterator[Event]:
    """Trains from where `progress` stands to the end; yields an event after each step and each evaluation.

    step(batch, number, learning_rate) → (sums, gradient norm), with number counting from 1. epoch_batches(epoch) is a
    pure function, so that an epoch can be entered at any position. `progress` is up to date whenever an event is
    yielded: what a listener saves then is enough to go on from there.
    """
    while progress.epoch < rules.epochs:
        batches = epoch_batches(progress.epoch)
        while True:
            done = (progress.epoch + progress.position / len(batches)) / rules.epochs
            rate = learning_rate(done)
            if _evaluation_due(progress, len(batches), rules):
                yield _evaluate(evaluate, progress, rules, done, rate)
            if rules.patience is not None and progress.evaluations_without_improvement >= rules.patience:
                yield Finished(progress.step, "patience")
                return
            if progress.position == len(batches):
                break
            yield _train(step, batches, progress, done, rate)
        progress.epoch, progress.position = progress.epoch + 1, 0
    yield Finished(progress.step, "epochs")


def _train(step: Step, batches: Sequence[Any], progress: Progress, done: float, rate: float) -> Stepped:
    start = time.perf_counter()
    sums, norm = step(batches[progress.position], progress.step + 1, rate)
    sums += Sums(seconds=time.perf_counter() - start)
    progress.step, progress.position = progress.step + 1, progress.position + 1
    progress.since_evaluation += sums
    return Stepped(progress.step, progress.epoch, done, sums, rate, norm)


def _evaluation_due(progress: Progress, batches: int, rules: Rules) -> bool:
    if progress.step == progress.evaluated_step:
        return False
    epoch_ends = progress.position == batches
    training_ends = epoch_ends and progress.epoch + 1 == rules.epochs
    if rules.evaluate_every is None or training_ends:
        return epoch_ends
    return progress.step % rules.evaluate_every == 0


def _evaluate(
    evaluate: Callable[[], Mapping[str, Any]], progress: Progress, rules: Rules, done: float, rate: float
) -> Evaluated:
    start = time.perf_counter()
    dev = evaluate()
    score = dev[rules.metric]
    improved = progress.best_score is None or rules.direction * (score - progress.best_score) > 0
    if improved:
        progress.best_score, progress.best_step = score, progress.step
    progress.evaluations_without_improvement = 0 if improved else progress.evaluations_without_improvement + 1
    train, progress.since_evaluation = progress.since_evaluation, Sums()
    progress.evaluated_step = progress.step
    seconds = time.perf_counter() - start
    return Evaluated(progress.step, progress.epoch, done, train, dev, rate, improved, seconds)
