"""Answers from a SavedModel by TensorFlow alone, in a process of its own, which `seqtrain.export.fresh` starts."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_USE_LEGACY_KERAS"] = (
        "1"  # an older Keras than the one that would be imported, slowly, for nothing
    )
    import tensorflow as tf

    serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
    answers: dict[str, list[Any]] = {"labels": [], "probabilities": []}
    for batch in json.load(sys.stdin.buffer):
        answer = serve(text=tf.constant([text.encode("latin-1") for text in batch], tf.string))
        answers["labels"] += [label.decode("utf-8") for label in answer["label"].numpy().tolist()]
        answers["probabilities"] += answer["probabilities"].numpy().tolist()
    if "seqtrain" in sys.modules:
        sys.exit("the SavedModel is not complete: seqtrain was imported to run it")
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
