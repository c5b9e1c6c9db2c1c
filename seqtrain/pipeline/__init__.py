"""From a config to a trained run: reads, encodes, trains, exports, and fills the run folder.

TensorFlow is imported only when the data have turned out to be usable.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtrain import settings
from seqtrain.baseline import MOST_TOKENS, Baseline
from seqtrain.config import Config, resolved
from seqtrain.data.batching import padding_share
from seqtrain.data.corpus import Corpora
from seqtrain.data.vectors import require_room
from seqtrain.errors import RunError, SeqtrainError
from seqtrain.evaluation.metrics import evaluate
from seqtrain.inference.graph import check_size
from seqtrain.pipeline.answer import Answer
from seqtrain.pipeline.corpora import DataFiles, encoded
from seqtrain.pipeline.events import (
    AlreadyFinished,
    Built,
    Compared,
    Encoded,
    Exported,
    NoBaseline,
    Resumed,
    Started,
    WideFitted,
)
from seqtrain.pipeline.resuming import Resumption, changes, found_checkpoint, require_same_words, resumption
from seqtrain.pipeline.vectors import put_vectors
from seqtrain.run import Run, provenance
from seqtrain.run.atomic import atomic_folder, atomic_write, write_json
from seqtrain.run.new import NewRun, now
from seqtrain.wide.features import ngram_hashes, sharing
from seqtrain.wide.path import WidePath, fit_wide_path

if TYPE_CHECKING:
    from seqtrain.training.checkpoint import Checkpoint
    from seqtrain.training.runtime import Runtime
    from seqtrain.training.trainer import Trainer

Notify = Callable[[Any], None]


def fit(
    config: Config,
    *,
    out: str | Path,
    overwrite: bool = False,
    resume: bool = False,
    notify: Notify = lambda event: None,
) -> Run:
    """Trains what the config says into the folder `out`; returns the finished run.

    resume: go on with the run that is there, if any. notify is called with every event: those of `pipeline.events` and
    those of `training.loop`. Raises the errors of `seqtrain.errors`. Until its first checkpoint, or evaluation if it
    replaces an older run, the run is kept under a temporary name: what fails before then leaves nothing behind.
    """
    with closing(NewRun(out, overwrite=overwrite, resume=resume)) as run:
        before = run.status() if run.goes_on else None
        if vectors := settings.vectors_file(config):
            require_room(vectors, settings.model_size(config)["embedding_size"])
        files = DataFiles(settings.data_files(config))  # a missing test file is told now
        resumed = resumption(run, config, files.sha256) if run.goes_on else None
        notify(Started(run, before, list(files.sha256)))
        if resumed and resumed.is_done and run.is_whole():
            notify(AlreadyFinished(run))
            return run
        try:
            _Fit(config, run, files, resumed, notify)()
        except BaseException as error:
            run.abandon(error)
            raise
        return run


class _Fit:
    """The stages of one fit."""

    def __init__(
        self, config: Config, run: NewRun, files: DataFiles, resumed: Resumption | None, notify: Notify
    ) -> None:
        self._config, self._run, self._files = config, run, files
        self._resumed, self._notify = resumed, notify

    def __call__(self) -> None:
        run, config = self._run, self._config
        with (
            encoded(config, run, run.place, self._files) as (corpora, rows, folder),
            self._baseline(corpora, folder) as baseline,
        ):
            settings.require_labels(config, corpora)
            plan = settings.epoch_plan(config, corpora.train.lengths, epoch=0)
            self._notify(Encoded(corpora, rows, padding_share(corpora.train.lengths, plan)))
            answer = Answer(corpora.dev, self._wide_path(corpora))
            trainer, runtime = self._build(corpora)
            start = self._start(trainer, corpora, runtime)
            self._notify(Built(trainer.model.architecture, runtime, settings.rules(config).epochs))
            exported = self._train_and_export(trainer, corpora, answer, start)
            self._compare(exported, baseline)
        run.record("finished", {"status": "finished", "finished": now()})

    def _baseline(self, corpora: Corpora, folder: Path) -> AbstractContextManager[Baseline | None]:
        """The process that fits it; None if it is not wanted, has been there before the run went on, or is left out."""
        config, tokens = self._config, len(corpora.train.token_ids)
        if not settings.measures_baseline(config) or self._run.metrics_file("baseline").exists():
            return nullcontext()
        if tokens > MOST_TOKENS:
            self._notify(NoBaseline(f"left out: {tokens:,} training tokens are more than {MOST_TOKENS:,}"))
            return nullcontext()
        class_weights = settings.class_weights(config, corpora).tolist()
        return Baseline(folder, settings.rules(config).metric, class_weights)

    def _compare(self, exported: Exported, baseline: Baseline | None) -> None:
        """With the baseline as soon as it is there; that it fails is told, and no failure of the fit."""
        file = self._run.metrics_file("baseline")
        if baseline is not None:
            try:
                found = baseline.result()
            except SeqtrainError as error:
                self._notify(NoBaseline(f"failed: {error}"))
                return
            write_json(file, found)
        if file.exists():
            wide = settings.longest_ngram(self._config) is not None
            found = json.loads(file.read_bytes())
            self._notify(Compared(exported.metric, exported.dev, found, wide))

    def _wide_path(self, corpora: Corpora) -> WidePath | None:
        """Fitted anew when a run goes on: the same rows give the same numbers."""
        config, dev, words = self._config, corpora.dev, len(corpora.vocabulary)
        longest = settings.longest_ngram(config)
        if longest is None:
            return None
        start = time.perf_counter()
        hashes = ngram_hashes(corpora.train, longest)
        buckets = settings.wide_buckets(config, len(hashes), len(corpora.labels))
        ngrams = settings.ngrams(config, words, words + buckets)
        assert ngrams is not None
        weights = settings.row_weights(config, corpora)
        options = settings.wide_fit(config)
        path = fit_wide_path(corpora, ngrams, weights, **options)
        fitted = WideFitted(
            longest,
            *sharing(hashes, buckets),
            options["prefixes"],
            options["refit"],
            path.linear.strength,
            path.linear.interpolation,
            evaluate(dev.labels, path.dev_probabilities(), dev.weights, corpora.labels),
            time.perf_counter() - start,
        )
        facts = {name: value for name, value in asdict(fitted).items() if name != "dev"}
        self._run.update_info(wide=facts)
        self._notify(fitted)
        return path

    def _build(self, corpora: Corpora) -> tuple[Trainer, Runtime]:
        from seqtrain.training import runtime

        config = self._config
        running = runtime.start(settings.threads(config))
        shape = settings.architecture(config, len(corpora.vocabulary), len(corpora.labels))
        check_size(shape.weight_shapes().values(), settings.metadata(config, corpora, card={}))
        return settings.trainer(config, shape, corpora.vocabulary.counts), running

    def _start(self, trainer: Trainer, corpora: Corpora, runtime: Runtime) -> Checkpoint | None:
        """The checkpoint to go on from, put into the trainer; the run folder gets what is known before training."""
        run = self._run
        found = found_checkpoint(run, trainer.checkpoint_shapes())
        origin = self._origin(runtime)
        if found.checkpoint is None:
            self._describe(origin)
            self._put_vectors(trainer, corpora)
            self._warm_start(trainer, corpora)
        else:
            require_same_words(run, corpora)
            trainer.restore(found.checkpoint)
        atomic_write(run.vocabulary_file, corpora.vocabulary.to_tsv().encode())
        run.write_labels(corpora.labels)
        if self._resumed is not None:
            self._go_on(found.checkpoint, found.damaged, origin)
        return found.checkpoint

    def _origin(self, runtime: Runtime) -> dict[str, Any]:
        """What the numbers depend on besides config and data."""
        return {
            "versions": provenance.versions(),
            "machine": provenance.machine(),
            "runtime": asdict(runtime),
        }

    def _describe(self, origin: dict[str, Any]) -> None:
        run = self._run
        atomic_write(run.config_file, resolved(self._config).encode())
        info = {
            "started": now(),
            "start_folder": provenance.as_text(Path.cwd()),
            "command": list(map(provenance.as_text, sys.argv)),
            "seed": settings.seed(self._config),
            "git_commit": provenance.git_commit(),
            **origin,
            "data_sha256": self._files.sha256,
            "reading": settings.data_splits(self._config).reading().facts(),
        }
        run.record("started", info)

    def _put_vectors(self, trainer: Trainer, corpora: Corpora) -> None:
        path = settings.vectors_file(self._config)
        if path is not None:
            read = put_vectors(path, trainer, corpora.vocabulary, settings.seed(self._config))
            self._files.require_unchanged()
            self._run.update_info(vectors=asdict(read))
            self._notify(read)

    def _warm_start(self, trainer: Trainer, corpora: Corpora) -> None:
        source = settings.init_from(self._config)
        if source is not None:
            from seqtrain.pipeline.warm_start import take_over

            taken = take_over(source, self._config, trainer, corpora)
            self._run.update_info(init_from=asdict(taken))
            self._notify(taken)

    def _go_on(self, checkpoint: Checkpoint | None, damaged: list[str], origin: dict[str, Any]) -> None:
        """Says and records from where the run goes on, and what is another than it was."""
        assert self._resumed is not None
        run, resumed = self._run, self._resumed
        info = run.info()
        different = [*resumed.others, *changes({name: info.get(name, {}) for name in origin}, origin)]
        if resumed.more_epochs:
            different = [resumed.more_epochs, *different]
        step, lines = checkpoint.progress.step if checkpoint else 0, [str(change) for change in different]
        now_running = {"status": "running", "error": None, **origin}
        run.record("resumed", now_running, step=step, after=resumed.status, damaged=damaged, changes=lines)
        if checkpoint is not None:
            if resumed.more_epochs:
                checkpoint.progress.evaluations_without_improvement = 0
                # Before the config is written: or a kill in between would bring spent patience back.
                with atomic_folder(run.checkpoint(step)) as folder:
                    checkpoint.write(folder)
            atomic_write(run.config_file, resolved(self._config).encode())
        self._notify(Resumed(step, resumed.status, damaged, lines))

    def _train_and_export(
        self, trainer: Trainer, corpora: Corpora, answer: Answer, start: Checkpoint | None
    ) -> Exported:
        from seqtrain.pipeline.export import export
        from seqtrain.pipeline.training import Training

        training = Training(self._config, self._run, trainer, corpora, answer, start, self._notify)
        training()
        best = training.progress.best_step
        if best is None:
            raise RunError(f"{self._run.path}: its last checkpoint has no score", hint="Train it anew.")
        exported = export(self._config, self._run, trainer, corpora, answer, self._files.sha256, best)
        self._notify(exported)
        self._run.seal()
        return exported
