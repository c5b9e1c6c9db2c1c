"""Stock Keras from its import to its 100th training step, on texts that are encoded already.

    python keras_startup.py CORPUS.npz

CORPUS.npz has token_ids, offsets and labels, as a Corpus of seqtrain's has them. The model and the batches are those of
keras_job. A line of JSON on stdout says when the first step was done, and another one the hundredth.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras_job import batches, classifier

STEPS = (1, 100)


def main() -> None:
    corpus = np.load(sys.argv[1])
    token_ids = tf.RaggedTensor.from_row_splits(corpus["token_ids"], corpus["offsets"])
    data = batches(token_ids, corpus["labels"], shuffled=True)
    classifier().fit(data.take(max(STEPS)), callbacks=[Steps()], verbose=0)


class Steps(keras.callbacks.Callback):
    """Says when steps are done."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + 1 in STEPS:
            print(json.dumps({"step": batch + 1, "at": time.time()}), flush=True)


if __name__ == "__main__":
    main()
