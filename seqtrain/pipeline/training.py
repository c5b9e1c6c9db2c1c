"""The middle of a fit: the loop with its listeners, checkpoints, and what ends it early."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.data.batching import Batch, Batches, plan_evaluation
from seqtrain.data.corpus import Corpora
from seqtrain.data.problems import listed
from seqtrain.data.storage import Corpus
from seqtrain.errors import DivergenceError
from seqtrain.evaluation.metrics import evaluate
from seqtrain.pipeline.answer import Answer
from seqtrain.pipeline.events import Stopped
from seqtrain.run.new import NewRun
from seqtrain.training import loop
from seqtrain.training.checkpoint import Checkpoint
from seqtrain.training.interruption import Interrupted, Interruption, postponed
from seqtrain.training.journal import Journal
from seqtrain.training.keeper import Keeper
from seqtrain.training.trainer import Trainer

EVALUATION_TOKENS, EVALUATION_ROWS = 4096, 256  # a batch at most, on dev


class Training:
    """Trains a model of a run from a checkpoint, or from the start, to the end or to a signal."""

    def __init__(
        self,
        config: Config,
        run: NewRun,
        trainer: Trainer,
        corpora: Corpora,
        answer: Answer,
        start: Checkpoint | None,
        notify: Callable[[Any], None],
    ) -> None:
        self._config, self._run, self._trainer, self._corpora = config, run, trainer, corpora
        self._answer, self._notify = answer, notify
        self._class_weights = settings.class_weights(config, corpora)
        self.progress = start.progress if start else loop.Progress()
        self._last_step = "no step", np.empty(0, np.int64)  # in words, and the rows of its batch
        self._journal_bytes = start.journal_bytes if start else 0

    def __call__(self) -> None:
        """Trains with a checkpoint at each evaluation, by time and by steps, and when a signal comes.

        A signal is held back until the checkpoint is written; then it acts as if it had come only now.
        """
        progress, run = self.progress, self._run
        intervals = settings.checkpoint_intervals(self._config)
        with (
            postponed() as interruption,
            closing(Journal(run, size=self._journal_bytes, step=progress.step)) as journal,
            Keeper(run, **intervals, last=progress) as keeper,
        ):
            try:
                for event in self._events(interruption, keeper):
                    journal(event)
                    if isinstance(event, loop.Evaluated) or keeper.due(progress.step):
                        self._save(keeper, journal)
                    self._notify(event)
                    interruption.check()
            except Interrupted:
                self._stop(keeper, journal)
                raise
        run.update_info(checkpoints=asdict(keeper.cost))

    def _events(self, interruption: Interruption, keeper: Keeper) -> Iterator[loop.Event]:
        config, train = self._config, self._corpora.train
        return loop.train(
            lambda batch, number, rate: self._step(keeper, batch, number, rate),
            lambda: self._dev_metrics(keeper, interruption),
            lambda epoch: Batches(train, settings.epoch_plan(config, train.lengths, epoch)),
            settings.learning_rate(config),
            settings.rules(config),
            self.progress,
        )

    def _step(
        self, keeper: Keeper, batch: Batch, number: int, learning_rate: float
    ) -> tuple[loop.Sums, float]:
        batch = replace(batch, weights=batch.weights * self._class_weights[batch.labels])
        frozen = self.progress.epoch < settings.frozen_epochs(self._config)
        sums, norm = self._trainer.train_on(batch, number, learning_rate, freeze_embedding=frozen)
        figures = f"loss {sums.loss:.4g}, gradient norm {norm:.4g}, learning rate {learning_rate:.3g}"
        self._last_step = f"step {number}: {figures}", batch.rows
        if not (math.isfinite(sums.loss) and math.isfinite(norm)):
            raise self._diverged(keeper, "")
        return sums, norm

    def _dev_metrics(self, keeper: Keeper, interruption: Interruption) -> Mapping[str, Any]:
        dev = self._corpora.dev
        network = dev_logits(self._trainer, dev, interruption)
        if not np.isfinite(network).all():  # the last step may have done it, and no loss has told yet
            raise self._diverged(keeper, "; after it the model computes NaN on dev")
        return evaluate(dev.labels, self._answer.on_dev(network), dev.weights, self._corpora.labels)

    def _diverged(self, keeper: Keeper, symptom: str) -> DivergenceError:
        """What is known of the step at which it happened."""
        keeper.wait()
        step, rows = self._last_step
        checkpoints = [str(path) for path in self._run.checkpoints().values()]
        lines = (
            f"training diverged at {step}{symptom}",
            f"the batch: {_places(self._corpora.train, rows)}",
            f"the last good checkpoint: {checkpoints[-1] if checkpoints else 'none yet'}",
        )
        return DivergenceError("\n  ".join(lines))

    def _save(self, keeper: Keeper, journal: Journal) -> None:
        """Writes a checkpoint; from the first one on the run has its proper place, unless an old run is there, which
        stays until an evaluation."""
        start = time.perf_counter()
        keeper.save(self._trainer.checkpoint(self.progress, journal.size()))
        if not self._run.is_in_place:
            keeper.wait()
            self._run.promote(replace=self.progress.evaluated_step > 0)
        keeper.cost.waited += time.perf_counter() - start

    def _stop(self, keeper: Keeper, journal: Journal) -> None:
        if self.progress.step and not keeper.is_saved(self.progress):
            self._save(keeper, journal)
        keeper.wait()
        self._notify(Stopped(self.progress.step))


def dev_logits(trainer: Trainer, dev: Corpus, interruption: Interruption | None = None) -> np.ndarray:
    """The network's, <float32>[rows, classes]. A signal that waits ends it with Interrupted."""
    plan = plan_evaluation(dev.lengths, batch_tokens=EVALUATION_TOKENS, max_batch=EVALUATION_ROWS)
    return trainer.logits(_interruptible(Batches(dev, plan), interruption), len(dev))


def _interruptible(batches: Iterable[Batch], interruption: Interruption | None) -> Iterator[Batch]:
    for batch in batches:
        if interruption is not None:
            interruption.check()
        yield batch


def _places(corpus: Corpus, rows: np.ndarray) -> str:
    """The lines of rows, file by file."""
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        lines[corpus.file_names[corpus.files[row]]].append(int(corpus.lines[row]))
    return "; ".join(
        f"{file}, lines {listed([str(line) for line in sorted(numbers)], 100)}"
        for file, numbers in lines.items()
    )
