"""Stock Keras: `Model.fit`, on the bucketed batches or with every text padded to one length, as its tutorials do."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf
from workloads import CLASSES, LEARNING_RATE, TEXTS, Workload, batches, widened

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def prepare(way: str, **settings: object) -> Callable[[], dict[str, float]]:
    """way: bucketed or padded. The time of a round is that of the call of `fit`, with all that belongs to it."""
    workload = Workload(**settings)
    keras.utils.set_random_seed(1)
    width = {"bucketed": None, "padded": TEXTS[workload.texts].padded_to}[way]
    model = keras.Sequential(
        [
            keras.Input([width], dtype="int32"),
            keras.layers.Embedding(workload.vocabulary_size, workload.embedding_size, mask_zero=True),
            keras.layers.Bidirectional(CELLS[workload.cell](workload.units, return_sequences=True)),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(CLASSES),
        ]
    )
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    data = [
        (widened(batch.token_ids, width) if width else batch.token_ids, batch.labels)
        for batch in batches(workload)
    ]
    # One signature for all shapes, or every new length would be traced anew.
    signature = (tf.TensorSpec([None, width], tf.int32), tf.TensorSpec([None], tf.int32))
    dataset = tf.data.Dataset.from_generator(lambda: iter(data), output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(data))).prefetch(tf.data.AUTOTUNE)
    return lambda: {"loss": model.fit(dataset, shuffle=False, verbose=0).history["loss"][-1]}
