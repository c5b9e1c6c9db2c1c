"""A SavedModel: texts in, names of labels and probabilities out, where there is TensorFlow and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from seqtrain.export.network import Network
from seqtrain.export.source import Source
from seqtrain.export.text_graph import TextGraph


def write(source: Source, folder: Path) -> None:
    """Fills a folder for `tf.saved_model.load`, with `Served.answer` as the signature `serving_default`.

    All that it needs is inside, so that the folder can be moved anywhere.
    """
    served = Served(source)
    tf.saved_model.save(served, str(folder), signatures=served.answer)


class Served(tf.Module):  # type: ignore[misc]
    """The whole model as one function."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._text_graph = TextGraph(source.tokenizer, source.tokens)
        self._network = Network(source)
        self._labels = source.labels
        self._threshold = source.decision.threshold if source.decision else None

    # Without AutoGraph, which rewrites the code of all that is called: no branch and no loop there is on tensors.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)  # type: ignore[untyped-decorator]
    def answer(self, text: Any) -> dict[str, Any]:
        """text <string>[batch], in UTF-8 → `label` <string>[batch], the one decided for, and all of them.

        `probabilities` <float32>[batch, classes] are those of `labels` <string>[batch, classes], which are the same
        in each row: servers that answer row by row want every output to have rows. The batch may be empty.
        """
        probabilities = tf.nn.softmax(self._network(*self._text_graph(text)))
        labels = tf.constant(self._labels)
        return {
            "label": tf.gather(labels, self._decided(probabilities)),
            "labels": tf.broadcast_to(labels, tf.shape(probabilities)),
            "probabilities": probabilities,
        }

    def _decided(self, probabilities: Any) -> Any:
        """As `evaluation.decision.decided`: <int64>[batch]."""
        if self._threshold is None:
            return tf.argmax(probabilities, axis=1)
        return tf.cast(tf.cast(probabilities[:, 1], tf.float64) >= self._threshold, tf.int64)
