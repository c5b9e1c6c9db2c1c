"""The whole job in stock Keras, as a careful user writes it: labelled texts in, a trained and saved classifier out.

    python keras_job.py TRAIN MODEL.keras [--epochs 1] [--steps N] [--test FILE [--goal 0.88]] [--minutes M] [--seed 1]

The sizes are those of seqtrain's defaults. TextVectorization (30,000 words, lower case, no marks) encodes every text
once; its first 400 tokens count. tf.data keeps the ids in memory and makes batches of like length, of at most 64 rows
and 8,192 positions. Embedding with a mask, dropout, bidirectional LSTM, mean over time, dropout, softmax; Adam with
Keras's own learning rate, 0.001. A tenth of the rows validates at the end of each epoch.

After each epoch a line of JSON on stdout says when it ended, and how accurate the model is on the test file. Measuring
that is no part of the job: "uncounted" has the seconds that it took before this epoch's end.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

WORDS, LONGEST, SIZE = 30_000, 400, 128
MAX_BATCH, BATCH_TOKENS = 64, 8192
EDGES = range(25, LONGEST, 25)  # between the lengths that make batches together
SLICE = 1024  # texts encoded at a time


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a text classifier with stock Keras.")
    parser.add_argument("train", type=Path, help="label<TAB>text lines, maybe gzipped")
    parser.add_argument("model", type=Path, help="write the trained model here")
    parser.add_argument(
        "--test", type=Path, help="measure on these rows as well, which is no part of the job"
    )
    parser.add_argument("--goal", type=float, help="stop when the test accuracy is this high")
    parser.add_argument("--epochs", type=int, default=1, help="at most (1)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no epoch after so many")
    parser.add_argument("--steps", type=int, default=-1, help="of each epoch, at most (all)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    texts, labels = read(options.train)
    validates = np.arange(len(texts)) % 10 == 9
    vectorize = keras.layers.TextVectorization(max_tokens=WORDS, ragged=True)
    vectorize.adapt(tf.data.Dataset.from_tensor_slices(texts[~validates]).batch(SLICE))
    training = batches(encode(vectorize, texts[~validates]), labels[~validates], shuffled=True)
    validation = batches(encode(vectorize, texts[validates]), labels[validates], shuffled=False)
    watch = Watch(options.goal, options.minutes)
    if options.test:
        watch.prepare_test(options.test, vectorize)
    model = classifier()
    model.fit(
        training.take(options.steps),
        validation_data=validation,
        epochs=options.epochs,
        callbacks=[watch],
        verbose=0,
    )
    model.save(options.model)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Texts and label numbers, shuffled, for files may be sorted by label."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as lines:
        rows = [line.rstrip("\n").split("\t", 1) for line in lines]
    order = np.random.permutation(len(rows))
    texts = np.array([text for _, text in rows], object)[order]
    labels = np.unique([label for label, _ in rows], return_inverse=True)[1].astype(np.int32)[order]
    return texts, labels


def encode(vectorize: keras.layers.Layer, texts: np.ndarray) -> tf.RaggedTensor:
    """Token ids <int32>[texts, tokens], of at most LONGEST tokens each."""
    parts = (vectorize(texts[start : start + SLICE]) for start in range(0, len(texts), SLICE))
    return tf.concat([tf.cast(part[:, :LONGEST], tf.int32) for part in parts], axis=0)


def batches(token_ids: tf.RaggedTensor, labels: np.ndarray, shuffled: bool) -> tf.data.Dataset:
    """Padded batches of texts of like length, in another order each time."""
    rows = tf.data.Dataset.from_tensor_slices((token_ids, labels))
    rows = rows.map(lambda ids, label: (tf.ensure_shape(ids, [None]), label))  # no longer ragged
    if shuffled:
        rows = rows.shuffle(len(labels))
    sizes = [min(MAX_BATCH, BATCH_TOKENS // edge) for edge in (*EDGES, LONGEST)]
    return rows.bucket_by_sequence_length(
        lambda ids, label: tf.size(ids), [edge + 1 for edge in EDGES], sizes
    ).prefetch(tf.data.AUTOTUNE)


def classifier() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input([None], dtype="int32"),
            keras.layers.Embedding(WORDS, SIZE, mask_zero=True),
            keras.layers.Dropout(0.5),
            keras.layers.Bidirectional(keras.layers.LSTM(SIZE, return_sequences=True)),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return model


class Watch(keras.callbacks.Callback):
    """Says when epochs end and how good the model is then; stops at the goal, or when time is up."""

    def __init__(self, goal: float | None, minutes: float) -> None:
        super().__init__()
        self._goal, self._minutes = goal, minutes
        self._test: tf.data.Dataset | None = None
        self._start, self._uncounted = time.time(), 0.0

    def prepare_test(self, path: Path, vectorize: keras.layers.Layer) -> None:
        start = time.time()
        texts, labels = read(path)
        self._test = batches(encode(vectorize, texts), labels, shuffled=False)
        self._uncounted += time.time() - start

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        at = time.time()
        said = {
            "epoch": epoch + 1,
            "at": at,
            "uncounted": self._uncounted,
            "dev": (logs or {})["val_accuracy"],
        }
        if self._test is not None:
            said["test"] = self.model.evaluate(self._test, verbose=0, return_dict=True)["accuracy"]
            self._uncounted += time.time() - at
        print(json.dumps(said), flush=True)
        reached = self._goal is not None and said.get("test", 0.0) >= self._goal
        if reached or at - self._start - self._uncounted > 60 * self._minutes:
            self.model.stop_training = True


if __name__ == "__main__":
    main()
