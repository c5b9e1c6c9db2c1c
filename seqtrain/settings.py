"""A checked config in the words of the parts that it is for; the one module that unpacks a whole `Config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.config import Config, schema
from seqtrain.config.problems import shown
from seqtrain.data.batching import Plan, plan_epoch
from seqtrain.data.reader import Columns
from seqtrain.data.splits import Splits
from seqtrain.data.vectors import extra_words
from seqtrain.errors import UsageError
from seqtrain.evaluation.decision import tuned_threshold
from seqtrain.evaluation.metrics import METRICS
from seqtrain.inference.metadata import Decision, model_metadata
from seqtrain.model.cost import recurrent_weights
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.wide.features import enough_buckets

if TYPE_CHECKING:
    from seqtrain.data.corpus import Corpora, MoreWords
    from seqtrain.model.classifier import Architecture
    from seqtrain.training.loop import Rules
    from seqtrain.training.trainer import Trainer


def data_splits(config: Config) -> Splits:
    """Where the rows of each split are, and how they are read."""
    data = config.data
    return Splits(
        data.train, data.dev, data.test, _columns(data.columns), data.split_seed, data.max_line_bytes
    )


def _columns(columns: schema.Columns | None) -> Columns | None:
    if columns is None:
        return None
    text = tuple(columns.text) if isinstance(columns.text, list) else columns.text
    return Columns(columns.label, text, columns.weight)


def tokenizer(config: Config) -> Tokenizer:
    return Tokenizer(**config.tokenizer.model_dump())


def vocabulary_limits(config: Config) -> dict[str, int]:
    """`min_count` and `max_size`."""
    return config.vocabulary.model_dump(include={"min_count", "max_size"})


def vectors_file(config: Config) -> Path | None:
    """The word vectors that the embedding begins with; None without them."""
    return None if config.model.vectors is None else Path(config.model.vectors)


def more_words(config: Config) -> MoreWords | None:
    """The words that the word vectors add to a vocabulary; None if they add none."""
    path, limit = vectors_file(config), config.vocabulary.from_vectors
    if path is None or not limit:
        return None
    return partial(extra_words, path=path, tokenizer=tokenizer(config), limit=limit)


def data_files(config: Config) -> list[Path]:
    """All files that a run depends on. Raises one DataError that tells of every name of a split without a file."""
    path = vectors_file(config)
    return [*data_splits(config).all_files(), *([path] if path else [])]


def encoded_files(config: Config) -> list[Path]:
    """The files that the encoded data depend on."""
    path = vectors_file(config) if more_words(config) else None
    return [*replace(data_splits(config), test=None).all_files(), *([path] if path else [])]


def epoch_plan(config: Config, lengths: NDArray[Any], epoch: int) -> Plan:
    """The batches of a training epoch, which counts from 0."""
    training = config.training
    return plan_epoch(
        lengths,
        seed=training.seed,
        epoch=epoch,
        batch_tokens=training.batch_tokens,
        max_batch=training.max_batch,
    )


def skips_bad_rows(config: Config) -> bool:
    return config.data.bad_rows == "skip"


def keeps_corpora(config: Config) -> bool:
    return config.data.cache


def encoding_facts(config: Config) -> dict[str, Any]:
    """All keys that the encoded data depend on, as plain values."""
    data = config.data.model_dump(exclude={"test", "cache"})
    facts = {"data": data, "tokenizer": tokenizer(config).rule(), "vocabulary": vocabulary_limits(config)}
    if more_words(config):
        facts["vectors"] = {"file": config.model.vectors, "from_vectors": config.vocabulary.from_vectors}
    return facts


def architecture(config: Config, vocabulary_size: int, classes: int) -> Architecture:
    from seqtrain.model.classifier import Architecture

    shape = model_shape(config)["model"]
    return Architecture(vocabulary_size, classes, **{**shape, "pooling": tuple(shape["pooling"])})


def model_shape(config: Config) -> dict[str, Any]:
    """The keys that say what weights there are, besides the vocabulary and the labels."""
    return {"model": config.model.model_dump(exclude={"dropout", "wide", "vectors"})}


def model_size(config: Config) -> dict[str, int]:
    """`embedding_size`, and `recurrent_weights`: those that each token is multiplied with."""
    model = config.model
    recurrent = recurrent_weights(
        model.cell, model.embedding_size, model.units, model.layers, model.bidirectional
    )
    return {"embedding_size": model.embedding_size, "recurrent_weights": recurrent}


def graph_shape(config: Config) -> dict[str, Any]:
    """What `inference.graph.build_onnx` needs to know besides the weights."""
    return config.model.model_dump(include={"cell", "layers", "bidirectional", "pooling"})


def ngrams(config: Config, words: int, features: int) -> Ngrams | None:
    """The n-grams of the wide path, None without one; words: of the vocabulary; features: the rows of its table."""
    if (wide := config.model.wide) is None:
        return None
    cut = tokenizer(config).cut
    return Ngrams(wide.ngrams, words, features - words, config.tokenizer.max_length if cut else 0, cut)


def metadata(
    config: Config, corpora: Corpora, card: Mapping[str, Any], decision: Decision | None = None
) -> dict[str, str]:
    """What a model file says besides its graph."""
    return model_metadata(corpora.labels, corpora.vocabulary, tokenizer(config), card, decision)


def decision(config: Config, corpora: Corpora, probabilities: NDArray[Any]) -> Decision | None:
    """How the label is chosen; probabilities <float32>[rows, 2]: on dev. None: it is the more probable one."""
    if (chosen := config.decision) is None:
        return None
    dev, label = corpora.dev, _f1_label(config, corpora)
    index = corpora.labels.index(label) if label else 1
    threshold = tuned_threshold(dev.labels, probabilities, dev.weights, chosen.metric, index)
    return Decision(threshold, chosen.metric, label)


def require_labels(config: Config, corpora: Corpora) -> None:
    """UsageError if the config names labels that the training rows do not have, or wants other ones than there are."""
    class_weights(config, corpora)
    _f1_label(config, corpora)


def _f1_label(config: Config, corpora: Corpora) -> str | None:
    """The label that the threshold is tuned for, None if for both. UsageError unless the labels fit it."""
    chosen, labels = config.decision, corpora.labels
    if chosen is None:
        return None
    if len(labels) != 2:
        raise UsageError(
            f"decision: a threshold is for two labels, and the training rows have {len(labels)}",
            hint="Delete the section.",
        )
    if chosen.label is not None and chosen.label not in labels:
        raise UsageError(
            f"decision.label: no training row has the label {shown(chosen.label)}",
            hint=f"There are {' and '.join(labels)}.",
        )
    rarer: str = labels[int(np.bincount(corpora.train.labels, corpora.train.weights).argmin())]
    return (chosen.label or rarer) if chosen.metric == "f1" else None


def row_weights(config: Config, corpora: Corpora) -> tuple[NDArray[Any], NDArray[Any]]:
    """What each row of train and dev counts where it is fitted to, <float32>[rows]: its own weight times that of its
    class."""
    by_class = class_weights(config, corpora)
    train, dev = (np.asarray(rows.weights * by_class[rows.labels]) for rows in corpora[:2])
    return train, dev


def class_weights(config: Config, corpora: Corpora) -> NDArray[Any]:
    """<float32>[classes]. UsageError for a label that the training rows do not have."""
    train, labels, given = corpora.train, corpora.labels, config.training.class_weights
    if given == "balanced":
        totals = np.bincount(train.labels, train.weights, minlength=len(labels))
        return np.asarray(totals.sum() / (len(labels) * totals), np.float32)
    weights = dict(given or {})
    values: NDArray[Any] = np.array([weights.pop(label, 1.0) for label in labels], np.float32)
    if weights:
        raise UsageError(
            f"training.class_weights: no training row has the label {shown(min(weights))}",
            hint=f"There are {', '.join(labels)}.",
        )
    return values


def frozen_epochs(config: Config) -> int:
    """Epochs at the start in which the embedding stays as it is."""
    return config.training.freeze_vectors if config.model.vectors else 0


def longest_ngram(config: Config) -> int | None:
    """Of the wide path, in tokens; None without one."""
    return config.model.wide.ngrams if config.model.wide else None


def wide_buckets(config: Config, ngrams: int, classes: int) -> int:
    """Of the wide path of a new run, whose training rows have so many n-grams of two tokens and more."""
    chosen = config.model.wide.buckets if config.model.wide else None
    return chosen or enough_buckets(ngrams, classes if classes > 2 else 1)


def wide_fit(config: Config) -> dict[str, Any]:
    """How `wide.path.fit_wide_path` fits it, where there is one."""
    wide = config.model.wide
    return wide.model_dump(include={"strength", "prefixes", "refit"}) if wide else {}


def measures_baseline(config: Config) -> bool:
    return config.baseline


def trainer(config: Config, shape: Architecture, counts: Sequence[int]) -> Trainer:
    """counts: of the words of the vocabulary in the training rows."""
    from seqtrain.model.dropout import Dropout, rare_shares
    from seqtrain.training.trainer import Trainer

    training, shares = config.training, config.model.dropout
    dropout = Dropout(shares.words, shares.features, rare_shares(counts, shares.rare))
    return Trainer(shape, dropout=dropout, clip_norm=training.clip_norm, seed=training.seed)


def rules(config: Config) -> Rules:
    from seqtrain.training.loop import Rules

    training = config.training
    return Rules(
        epochs=training.epochs,
        evaluate_every=training.evaluate_every,
        patience=training.patience,
        metric=training.metric,
        direction=METRICS[training.metric],
    )


def learning_rate(config: Config) -> Callable[[float], float]:
    """The learning rate by the share of training that is done, 0 to 1."""
    from seqtrain.training import schedule

    training = config.training
    return partial(
        schedule.learning_rate,
        peak=training.learning_rate,
        schedule=training.schedule,
        warmup=training.warmup,
    )


def checkpoint_intervals(config: Config) -> dict[str, Any]:
    """`steps` and `minutes` from one checkpoint to the next."""
    return {"steps": config.training.checkpoint_every, "minutes": config.training.checkpoint_minutes}


def threads(config: Config) -> int | None:
    return config.training.threads


def seed(config: Config) -> int:
    return config.training.seed


def init_from(config: Config) -> str | None:
    return config.training.init_from
