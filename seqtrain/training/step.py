"""One training step and one evaluation step, each a single graph for batches of every shape.

The steps are concrete functions of the graph: they take tensors, and calling them skips the half millisecond that
`tf.function` spends on looking up which graph its arguments want.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from seqtrain.model.classifier import Classifier, distinct
from seqtrain.model.dropout import Dropout, drop_features, drop_words
from seqtrain.training.optimizer import Adam

WORDS, FEATURES = 1, 2  # the purposes of random numbers within a step

_BATCH = {
    "token_ids": tf.TensorSpec([None, None], tf.int32),
    "lengths": tf.TensorSpec([None], tf.int32),
    "labels": tf.TensorSpec([None], tf.int32),
    "weights": tf.TensorSpec([None], tf.float32),
}


def training_step(
    model: Classifier, optimizer: Adam, *, dropout: Dropout, clip_norm: float | None, seed: int
) -> Callable[..., Mapping[str, Any]]:
    """Compiles `step(token_ids, lengths, labels, weights, number, learning_rate, embedding_rate) → sums`.

    embedding_rate: the learning rate of the embedding; 0 leaves it as it is. number <int32>[] counts from 1 and seeds
    the dropout. Sums over the batch: loss_sum, correct and weight_sum, all weighted; and gradient_norm before clipping.
    Gradients are clipped by their global norm (Pascanu et al. 2013, §3.2).
    """

    @tf.function(
        input_signature=[*_BATCH.values(), tf.TensorSpec([], tf.int32), *[tf.TensorSpec([], tf.float32)] * 2],
        autograph=False,
    )  # type: ignore[untyped-decorator]
    def step(
        token_ids: Any,
        lengths: Any,
        labels: Any,
        weights: Any,
        number: Any,
        learning_rate: Any,
        embedding_rate: Any,
    ) -> dict[str, Any]:
        ids, indices = distinct(token_ids, lengths)
        rows = model.embed(ids)
        dense = [name for name in model.weights if name != "embedding"]
        seeds = {purpose: tf.stack([seed * 4 + purpose, number]) for purpose in (WORDS, FEATURES)}
        with tf.GradientTape() as tape:
            tape.watch(rows)
            words = drop_words(rows, ids, dropout, model.architecture.vocabulary_size, seeds[WORDS])
            features = model.features(words, indices, lengths)
            logits = model.output(drop_features(features, dropout.features, seeds[FEATURES]))
            sums = batch_sums(logits, labels, weights)
            loss = sums["loss_sum"] / sums["weight_sum"]
        grads = tape.gradient(loss, [rows, *(model.weights[name] for name in dense)])
        norm = tf.linalg.global_norm(grads)
        if clip_norm:
            grads, _ = tf.clip_by_global_norm(grads, clip_norm, use_norm=norm)
        optimizer.update_rows("embedding", ids, grads[0], embedding_rate, number)
        for name, grad in zip(dense, grads[1:], strict=True):
            optimizer.update(name, grad, learning_rate, number)
        return {**sums, "gradient_norm": norm}

    return step.get_concrete_function()  # type: ignore[no-any-return]


def logits_step(model: Classifier) -> Callable[[Any, Any], Any]:
    """Compiles `step(token_ids, lengths) → logits <float32>[batch, classes]`, without dropout."""

    @tf.function(input_signature=[_BATCH["token_ids"], _BATCH["lengths"]], autograph=False)  # type: ignore[untyped-decorator]
    def step(token_ids: Any, lengths: Any) -> Any:
        return model(token_ids, lengths)

    return step.get_concrete_function()  # type: ignore[no-any-return]


def batch_sums(logits: Any, labels: Any, weights: Any) -> dict[str, Any]:
    """Weighted sums over the rows: loss_sum (cross-entropy in nats), correct, weight_sum."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    hits = tf.cast(tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels), tf.float32)
    return {
        "loss_sum": tf.reduce_sum(weights * losses),
        "correct": tf.reduce_sum(weights * hits),
        "weight_sum": tf.reduce_sum(weights),
    }
