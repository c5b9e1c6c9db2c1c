"""A checked config in the words of the parts that it is for; the one module that unpacks a whole `Config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from seqtrain.config import Config, schema
from seqtrain.data.batching import Plan, plan_epoch
from seqtrain.data.reader import Columns
from seqtrain.data.splits import Splits
from seqtrain.evaluation.metrics import METRICS
from seqtrain.inference.metadata import model_metadata
from seqtrain.model.cost import recurrent_weights
from seqtrain.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from seqtrain.data.corpus import Corpora
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
    return config.vocabulary.model_dump()


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
    return {"data": data, "tokenizer": tokenizer(config).rule(), "vocabulary": vocabulary_limits(config)}


def architecture(config: Config, vocabulary_size: int, classes: int) -> Architecture:
    from seqtrain.model.classifier import Architecture

    shape = model_shape(config)["model"]
    return Architecture(vocabulary_size, classes, **{**shape, "pooling": tuple(shape["pooling"])})


def model_shape(config: Config) -> dict[str, Any]:
    """The keys that say what weights there are, besides the vocabulary and the labels."""
    return {"model": config.model.model_dump(exclude={"dropout"})}


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


def metadata(config: Config, corpora: Corpora, card: Mapping[str, Any]) -> dict[str, str]:
    """What a model file says besides its graph."""
    return model_metadata(corpora.labels, corpora.vocabulary, tokenizer(config), card)


def trainer(config: Config, shape: Architecture) -> Trainer:
    from seqtrain.model.classifier import Dropout
    from seqtrain.training.trainer import Trainer

    training, dropout = config.training, Dropout(**config.model.dropout.model_dump())
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
