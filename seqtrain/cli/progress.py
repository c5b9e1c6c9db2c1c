"""How `fit` tells what it does: a block for each stage, a bar while it trains, a line for each evaluation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from seqtrain.cli.console import Console, facts
from seqtrain.data.stats import corpus_stats
from seqtrain.evaluation.metrics import METRICS
from seqtrain.pipeline.events import (
    AlreadyFinished,
    Built,
    Compared,
    Encoded,
    Exported,
    NoBaseline,
    Resumed,
    Started,
    Stopped,
    TakenOver,
    WideFitted,
)
from seqtrain.pipeline.vectors import VectorsRead
from seqtrain.run import Run
from seqtrain.training.loop import Evaluated, Finished, Stepped, Sums

SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal to draw a bar on
SECONDS_BETWEEN_FRAMES = 0.1
COLUMNS = ("epoch", "step", "train loss", "dev loss", "accuracy", "macro F1", "tokens/s", "time")


class FitReport:
    """A listener of `pipeline.fit` that speaks through the console; a context manager, for the bar's sake."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._run: Run | None = None
        self._epochs = 0
        self._begun = time.monotonic()
        self._training_begun = self._shown = 0.0
        self._already_done: float | None = None  # when this process began to train
        self._sums = Sums()
        self._bar: tqdm[Any] | None = None
        self._tell: dict[type, Callable[[Any], None]] = {
            Started: self._started,
            Encoded: self._encoded,
            AlreadyFinished: self._already_finished,
            WideFitted: self._wide_fitted,
            Built: self._built,
            VectorsRead: self._vectors_read,
            TakenOver: self._taken_over,
            Resumed: self._resumed,
            Stepped: self._stepped,
            Evaluated: self._evaluated,
            Finished: self._finished,
            Stopped: self._stopped,
            Exported: self._exported,
            NoBaseline: self._no_baseline,
            Compared: self._compared,
        }

    def __enter__(self) -> FitReport:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if error is not None and self._run is not None and self._run.exists():
            self._console.note(f"ended by {type(error).__name__}: {error}")

    def __call__(self, event: Any) -> None:
        self._tell[type(event)](event)

    def _started(self, event: Started) -> None:
        self._run = event.run
        self._console.attach(event.run)
        if event.status is not None:
            files = ", ".join(event.files)
            self._console.say(facts("resume", f"{event.run.path}, whose config reads {files}"))

    def _already_finished(self, event: AlreadyFinished) -> None:
        self._console.say(
            facts("finished", "already, nothing is left to do; more training.epochs would go on")
        )

    def _encoded(self, event: Encoded) -> None:
        train, dev, vocabulary, labels = event.corpora
        again = "; encoded by an earlier run" if event.rows.reused else ""
        self._console.say(
            facts(
                "data",
                f"train {corpus_stats(train, labels)}",
                f"dev   {corpus_stats(dev, labels)}",
                f"{event.rows.summary}{again}",
                *event.rows.listing,
                f"{len(vocabulary):,} entries in the vocabulary, {event.padding:.1%} padding in the batches",
            )
        )

    def _wide_fitted(self, event: WideFitted) -> None:
        buckets = f"{event.ngrams:,} in {event.buckets:,} buckets, {event.collisions:,} of them share"
        refit = ", then fitted to dev too" if event.refit else ""
        self._console.say(
            facts(
                "wide path",
                f"n-grams of up to {event.longest} tokens: {buckets}"
                if event.longest > 1
                else "single words",
                *(
                    [f"and what words begin with, up to {event.prefixes} characters"]
                    if event.prefixes
                    else []
                ),
                f"dev accuracy {event.dev['accuracy']:.4f} by itself{refit}, in {_clock(event.seconds)} min",
            )
        )

    def _vectors_read(self, event: VectorsRead) -> None:
        found = event.exactly + event.by_case + event.by_parts
        self._console.say(
            facts(
                "vectors",
                f"{event.path}, {event.dimension} numbers a word",
                f"{found:,} of {event.words:,} words have one, {event.by_case:,} of them in another case, "
                f"{event.by_parts:,} by their parts: {event.share:.1%} of the training tokens",
                f"{event.unseen:,} of the words are not in the training rows",
            )
        )

    def _taken_over(self, event: TakenOver) -> None:
        known = f"{event.words:,} of the words and {event.labels:,} of the labels were known there"
        self._console.say(facts("start", f"from the weights of {event.run}; {known}"))

    def _resumed(self, event: Resumed) -> None:
        for line in event.damaged:
            self._console.say(f"warning: {line}\n  Training goes on from an older checkpoint.")
        if event.changes:
            note = "other than before; threads, versions, machine and epochs may show in the weights:"
            self._console.say(facts("changed", note, *event.changes))
        where = f"step {event.step:,}" if event.step else "step 0: there is no checkpoint yet"
        self._console.say(facts("resume", f"from {where}; the run was {event.status}"))

    def _built(self, event: Built) -> None:
        self._epochs = event.epochs
        model, runtime = event.architecture, event.runtime
        size = sum(int(np.prod(shape)) for shape in model.weight_shapes().values())
        layers = "" if model.layers == 1 else f"{model.layers} layers, "
        direction = "bidirectional" if model.bidirectional else "forward"
        self._console.say(
            facts(
                "model",
                f"{direction} {model.cell.upper()} of {model.units} units, {layers}"
                f"{' + '.join(model.pooling)} pooling, {size:,} weights",
                f"TensorFlow {runtime.tensorflow}, {runtime.inter_op_threads} × {runtime.intra_op_threads} threads",
            )
        )
        self._console.say("\n" + _table_row(COLUMNS))
        self._training_begun = self._shown = time.monotonic()
        if sys.stderr.isatty() and not self._console.quiet:
            self._bar = tqdm(total=1.0, leave=False, bar_format="{bar:30} {desc}")

    def _stepped(self, event: Stepped) -> None:
        if self._already_done is None:
            self._already_done = event.done
        self._sums += event.sums
        now = time.monotonic()
        wait = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_FRAMES
        done = event.done - self._already_done
        if now - self._shown < wait or not done:
            return
        self._shown = now
        left = (now - self._training_begun) * (1 - event.done) / done
        line = (
            f"{event.done:4.0%} epoch {event.epoch + 1}/{self._epochs}, "
            f"loss {self._sums.loss / self._sums.weight:.4f}, "
            f"{self._sums.tokens / self._sums.seconds:,.0f} tokens/s, {_clock(left)} left"
        )
        if self._bar is None:
            self._console.say(f"      {line}")
        else:
            self._bar.n = event.done
            self._bar.set_description_str(line)

    def _evaluated(self, event: Evaluated) -> None:
        train, dev = event.train, event.dev
        cells = (
            f"{event.done * self._epochs:.3g}",
            f"{event.step:,}",
            f"{train.loss / train.weight:.4f}",
            f"{dev['log_loss']:.4f}",
            f"{dev['accuracy']:.4f}",
            f"{dev['macro_f1']:.4f}",
            f"{train.tokens / train.seconds:,.0f}",
            _clock(time.monotonic() - self._training_begun),
        )
        if self._bar is not None:
            self._bar.clear()
        self._console.say(_table_row(cells) + ("  best" if event.improved else ""))
        self._sums = Sums()

    def _finished(self, event: Finished) -> None:
        if self._bar is not None:
            self._bar.close()
        reasons = {"epochs": "all epochs done", "patience": "no improvement, patience spent"}
        self._console.say(f"\n{facts('stopped', f'at step {event.step:,}: {reasons[event.reason]}')}")

    def _stopped(self, event: Stopped) -> None:
        if self._bar is not None:
            self._bar.close()
        if event.step:
            note = f"at step {event.step:,}, which is saved; --resume goes on from there"
            self._console.say("\n" + facts("stopped", note))

    def _exported(self, event: Exported) -> None:
        assert self._run is not None
        best = f"dev {event.metric.replace('_', ' ')} {event.dev[event.metric]:.4f}"
        self._console.say(facts("best", f"step {event.step:,}, {best}"))
        self._console.say(
            facts(
                "checked",
                f"model.onnx agrees with TensorFlow on dev and {event.nasty} nasty texts, "
                f"to {event.difference:.0e} in probability",
            )
        )
        self._console.say(
            facts("saved", f"{self._run.path} after {_clock(time.monotonic() - self._begun)} min")
        )

    def _no_baseline(self, event: NoBaseline) -> None:
        self._console.say(facts("baseline", event.reason))

    def _compared(self, event: Compared) -> None:
        name, score = event.metric.replace("_", " "), event.baseline[event.metric]
        seconds = event.baseline["seconds"]
        lines = [f"TF-IDF and logistic regression: dev {name} {score:.4f} in {seconds:.0f} s"]
        ahead = METRICS[event.metric] * (score - event.dev[event.metric])
        if ahead > 0:
            by = f"{100 * ahead:.1f} points" if METRICS[event.metric] > 0 else f"{ahead:.4f}"
            hint = (
                "training.epochs, training.learning_rate and model.dropout"
                if event.wide
                else "model.wide: {}"
            )
            lines.append(f"the baseline is ahead by {by}; try {hint}")
        self._console.say(facts("baseline", *lines))


def _table_row(cells: tuple[str, ...]) -> str:
    return " ".join(f"{cell:>10}" for cell in cells)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
