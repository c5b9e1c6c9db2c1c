"""Small TensorFlow classifiers with random weights, and ragged batches for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
import tensorflow as tf

from seqtrain.model.classifier import Architecture, Classifier, distinct
from seqtrain.training.step import batch_sums
from tests import oracles
from tests.shapes import Shape

SIZES = {"vocabulary": 20, "embedding": 5, "units": 4, "classes": 3}
LENGTHS = np.array([1, 4, 9], np.int32)  # one token, some padding, none


@dataclass
class Sample:
    """A model, its weights as the oracle takes them, and a ragged batch."""

    shape: Shape = field(default_factory=Shape)
    seed: int = 0

    def __post_init__(self) -> None:
        self.weights = oracles.random_weights(self.seed, **SIZES, **asdict(self.shape))
        random = np.random.RandomState(self.seed)
        self.lengths = LENGTHS
        self.token_ids = np.zeros((len(LENGTHS), LENGTHS.max()), np.int32)
        for row, length in zip(self.token_ids, LENGTHS, strict=True):
            row[:length] = random.randint(1, SIZES["vocabulary"], length)
        self.labels = np.array([0, 2, 1], np.int32)
        self.example_weights = np.array([1.0, 0.5, 3.0], np.float32)

    def texts(self) -> list[np.ndarray]:
        return [row[:length] for row, length in zip(self.token_ids, self.lengths, strict=True)]

    def model(self) -> Classifier:
        architecture = Architecture(
            SIZES["vocabulary"],
            SIZES["classes"],
            SIZES["embedding"],
            units=SIZES["units"],
            **asdict(self.shape),
        )
        return Classifier(architecture, self.weights)

    def logits(self, token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        return self.model()(token_ids, lengths).numpy()

    def gradients(self, token_ids: np.ndarray | None = None, lengths: np.ndarray | None = None) -> dict:
        """The gradient of the batch loss by every weight, the embedding's as a full matrix."""
        model = self.model()
        token_ids = self.token_ids if token_ids is None else token_ids
        lengths = self.lengths if lengths is None else lengths
        ids, indices = distinct(token_ids, lengths)
        with tf.GradientTape() as tape:
            logits = model.output(model.features(model.embed(ids), indices, lengths))
            sums = batch_sums(logits, self.labels, self.example_weights)
            loss = sums["loss_sum"] / sums["weight_sum"]
        gradients = tape.gradient(loss, model.weights)
        return {name: tf.convert_to_tensor(gradient).numpy() for name, gradient in gradients.items()}
