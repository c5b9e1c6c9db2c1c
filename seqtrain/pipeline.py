"""From a config to a trained run: reads, encodes, trains, exports, and fills the run folder.

The one module that unpacks a whole `Config`; all others take plain values. TensorFlow is imported only when the
data have turned out to be usable.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save as pack_tensors

from seqtrain.config import Config, resolved, schema
from seqtrain.data.batching import Batches, Plan, padding_share, plan_epoch, plan_evaluation
from seqtrain.data.corpus import Corpora, build_corpora
from seqtrain.data.reader import Columns
from seqtrain.data.splits import Splits
from seqtrain.data.storage import Corpus
from seqtrain.data.workers import usable_processes
from seqtrain.errors import DivergenceError, RunError
from seqtrain.evaluation.metrics import METRICS, evaluate
from seqtrain.run import NewRun, Run, provenance
from seqtrain.run.atomic import atomic_folder, atomic_write, write_json, writing
from seqtrain.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from seqtrain.model.classifier import Architecture
    from seqtrain.training.checkpoint import Checkpoint
    from seqtrain.training.runtime import Runtime
    from seqtrain.training.trainer import Trainer

CORPUS = "corpus"  # folder of the encoded texts in the run, for as long as it trains
PARITY_TOLERANCE = 1e-5  # between the probabilities of two engines
EVALUATION_TOKENS, EVALUATION_ROWS = 4096, 256  # a batch at most, on dev


@dataclass(frozen=True)
class Started:
    """There is a run folder, at first under a temporary name: `run.path` is always the current one."""

    run: Run


@dataclass(frozen=True)
class Encoded:
    """The data are read. padding: its share of the positions in the first epoch's batches."""

    corpora: Corpora
    padding: float


@dataclass(frozen=True)
class Built:
    """There is a model, and TensorFlow is running. epochs: to train at most."""

    architecture: Architecture
    runtime: Runtime
    epochs: int


@dataclass(frozen=True)
class Exported:
    """The weights best in `metric` are in model.onnx; difference: the largest from TensorFlow's in a probability."""

    step: int
    metric: str
    difference: float
    dev: Mapping[str, Any]


Notify = Callable[[Any], None]


def fit(
    config: Config, *, out: str | Path, overwrite: bool = False, notify: Notify = lambda event: None
) -> Run:
    """Trains what the config says into the folder `out`; returns the finished run.

    notify is called with every event: those of this module and those of `training.loop`. Raises the errors of
    `seqtrain.errors`. Until the first evaluation the run is kept under a temporary name: what fails before then
    leaves nothing behind, and an older run in its place.
    """
    run = Run.create(out, overwrite=overwrite)
    try:
        notify(Started(run))
        _fit(config, run, notify)
    except BaseException as error:
        run.abandon(error)
        raise
    finally:
        shutil.rmtree(run.path / CORPUS, ignore_errors=True)
        run.close()
    return run


def data_splits(config: Config) -> Splits:
    """The config's data section in plain values."""
    data = config.data
    return Splits(
        data.train, data.dev, data.test, _columns(data.columns), data.split_seed, data.max_line_bytes
    )


def _columns(columns: schema.Columns | None) -> Columns | None:
    if columns is None:
        return None
    text = tuple(columns.text) if isinstance(columns.text, list) else columns.text
    return Columns(columns.label, text, columns.weight)


def _fit(config: Config, run: NewRun, notify: Notify) -> None:
    splits = data_splits(config)
    files = splits.all_files()  # a missing test file is told now, not after training
    corpora = _encode(config, splits, run.path / CORPUS)
    notify(Encoded(corpora, padding_share(corpora.train.lengths, _plan(config, corpora.train, epoch=0))))
    trainer, runtime = _build(config, corpora)
    notify(Built(trainer.model.architecture, runtime, config.training.epochs))
    _describe(config, run, files, corpora, runtime)
    best = _train(config, run, trainer, corpora, notify)
    notify(_export(config, run, trainer, corpora, best))
    run.update_info(status="finished", finished=_now())


def _encode(config: Config, splits: Splits, folder: Path) -> Corpora:
    with writing(folder):
        return build_corpora(
            splits.read("train"),
            splits.dev if isinstance(splits.dev, float) else splits.read("dev"),
            folder,
            _tokenizer(config),
            min_count=config.vocabulary.min_count,
            max_size=config.vocabulary.max_size,
            split_seed=config.data.split_seed,
            processes=usable_processes(config.training.threads),
        )


def _tokenizer(config: Config) -> Tokenizer:
    return Tokenizer(**config.tokenizer.model_dump())


def _plan(config: Config, corpus: Corpus, epoch: int) -> Plan:
    training = config.training
    return plan_epoch(
        corpus.lengths,
        seed=training.seed,
        epoch=epoch,
        batch_tokens=training.batch_tokens,
        max_batch=training.max_batch,
    )


def _build(config: Config, corpora: Corpora) -> tuple[Trainer, Runtime]:
    from seqtrain.training import runtime

    model, training = config.model, config.training
    settings = runtime.start(training.threads)
    from seqtrain.model.classifier import Architecture, Dropout
    from seqtrain.training.trainer import Trainer

    architecture = Architecture(
        vocabulary_size=len(corpora.vocabulary),
        classes=len(corpora.labels),
        embedding_size=model.embedding_size,
        cell=model.cell,
        units=model.units,
        layers=model.layers,
        bidirectional=model.bidirectional,
        pooling=tuple(model.pooling),
    )
    dropout = Dropout(words=model.dropout.words, features=model.dropout.features)
    trainer = Trainer(architecture, dropout=dropout, clip_norm=training.clip_norm, seed=training.seed)
    return trainer, settings


def _describe(config: Config, run: NewRun, files: Sequence[Path], corpora: Corpora, runtime: Runtime) -> None:
    """Writes all of the run folder that is known before training. files: those of the data."""
    atomic_write(run.config_file, resolved(config).encode())
    atomic_write(run.vocabulary_file, corpora.vocabulary.to_tsv().encode())
    run.write_labels(corpora.labels)
    run.update_info(
        started=_now(),
        start_folder=str(Path.cwd()),
        command=sys.argv,
        seed=config.training.seed,
        git_commit=provenance.git_commit(),
        versions=provenance.versions(),
        runtime=asdict(runtime),
        data_sha256=provenance.file_hashes(sorted(files)),
    )


def _train(config: Config, run: NewRun, trainer: Trainer, corpora: Corpora, notify: Notify) -> int:
    """Trains to the end, with a checkpoint at each evaluation → the step of the best weights."""
    from seqtrain.training import loop
    from seqtrain.training.journal import Journal
    from seqtrain.training.schedule import learning_rate

    training, progress = config.training, loop.Progress()
    events = loop.train(
        trainer.train_on,
        lambda: _dev_metrics(trainer, corpora),
        lambda epoch: Batches(corpora.train, _plan(config, corpora.train, epoch)),
        lambda done: learning_rate(
            done, peak=training.learning_rate, schedule=training.schedule, warmup=training.warmup
        ),
        loop.Rules(
            epochs=training.epochs,
            evaluate_every=training.evaluate_every,
            patience=training.patience,
            metric=training.metric,
            direction=METRICS[training.metric],
        ),
        progress,
    )
    with closing(Journal(run)) as journal:
        for event in events:
            journal(event)
            if isinstance(event, loop.Evaluated):
                _save(run, trainer.checkpoint(progress))
            notify(event)
    assert progress.best_step is not None, "training ends with an evaluation"
    return progress.best_step


def _save(run: NewRun, checkpoint: Checkpoint) -> None:
    """Keeps this checkpoint, the one before and the best; from the first one on the run has its proper place."""
    progress = checkpoint.progress
    with atomic_folder(run.checkpoint(progress.step)) as folder:
        checkpoint.write(folder)
    best = progress.best_step or progress.step
    run.keep_checkpoints({best, *list(run.checkpoints())[-2:]})
    run.promote()


def _dev_probabilities(trainer: Trainer, dev: Corpus) -> np.ndarray:
    plan = plan_evaluation(dev.lengths, batch_tokens=EVALUATION_TOKENS, max_batch=EVALUATION_ROWS)
    return trainer.probabilities(Batches(dev, plan), len(dev))


def _dev_metrics(trainer: Trainer, corpora: Corpora) -> Mapping[str, Any]:
    dev = corpora.dev
    probabilities = _dev_probabilities(trainer, dev)
    if not np.isfinite(probabilities).all():  # the last step may have done it, and no loss has told yet
        raise DivergenceError("training diverged: the model computes NaN on dev")
    return evaluate(dev.labels, probabilities, dev.weights, corpora.labels)


def _export(config: Config, run: NewRun, trainer: Trainer, corpora: Corpora, best_step: int) -> Exported:
    """Writes the best weights and the model file made of them, which has to agree with TensorFlow on dev."""
    from seqtrain.inference.graph import build_onnx
    from seqtrain.inference.metadata import model_metadata
    from seqtrain.inference.predictor import Predictor
    from seqtrain.training.checkpoint import read_weights
    from seqtrain.training.runtime import give_memory_back

    weights = read_weights(run.checkpoint(best_step))
    dev = corpora.dev
    trainer.set_weights(weights)
    expected = _dev_probabilities(trainer, dev)
    trainer.model.free_memory()
    give_memory_back()
    model = build_onnx(
        weights,
        cell=config.model.cell,
        layers=config.model.layers,
        bidirectional=config.model.bidirectional,
        pooling=config.model.pooling,
        metadata=model_metadata(corpora.labels, corpora.vocabulary, _tokenizer(config)),
    )
    give_memory_back()
    answer = Predictor(model).corpus_probabilities(dev)
    difference = float(np.abs(expected - answer).max())
    if not difference <= PARITY_TOLERANCE:
        raise RunError(
            f"model.onnx differs from the trained model by {difference:.1e} in a probability on dev",
            hint=f"It was not written; at most {PARITY_TOLERANCE:.0e} is allowed. The checkpoints are whole.",
        )
    metrics = evaluate(dev.labels, answer, dev.weights, corpora.labels)
    atomic_write(run.weights_file, pack_tensors(weights))
    atomic_write(run.model_file, model)
    write_json(run.metrics_file("dev"), metrics)
    return Exported(best_step, config.training.metric, difference, metrics)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
