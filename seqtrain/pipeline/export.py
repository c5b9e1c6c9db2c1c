"""The end of a fit: the best weights as the files of the run that everything else reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.data.batching import Batch, pad
from seqtrain.data.corpus import Corpora
from seqtrain.errors import RunError
from seqtrain.evaluation.metrics import evaluate
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_card
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.writer import with_metadata
from seqtrain.pipeline.events import Exported
from seqtrain.pipeline.training import dev_probabilities
from seqtrain.run.atomic import atomic_file, atomic_write, write_json
from seqtrain.run.new import NewRun
from seqtrain.run.tensors import write_tensors
from seqtrain.training.checkpoint import read_weights
from seqtrain.training.runtime import give_memory_back
from seqtrain.training.trainer import Trainer
from seqtrain.verification.texts import nasty_texts

PARITY_TOLERANCE = 1e-5  # between the probabilities of two engines


def export(
    config: Config,
    run: NewRun,
    trainer: Trainer,
    corpora: Corpora,
    data_sha256: Mapping[str, str],
    best_step: int,
) -> Exported:
    """Writes the best weights and the model file made of them, which has to agree with TensorFlow.

    It is compared on dev, and on nasty texts of which each side makes token ids by itself.
    """
    weights = read_weights(run.checkpoint(best_step), trainer.checkpoint_shapes())
    dev = corpora.dev
    trainer.set_weights(weights)
    tokenizer = settings.tokenizer(config)
    nasty = [text.decode(errors="replace") for text in nasty_texts(tokenizer).values()]
    encoded = [corpora.vocabulary.encode(tokenizer(text)) for text in nasty]
    expected = np.concatenate([dev_probabilities(trainer, dev), _probabilities(trainer, encoded)])
    trainer.model.free_memory()
    give_memory_back()
    draft = build_onnx(
        weights, **settings.graph_shape(config), metadata=settings.metadata(config, corpora, card={})
    )
    give_memory_back()
    predictor = Predictor(draft)
    answer = predictor.corpus_probabilities(dev)
    difference = float(np.abs(expected - np.concatenate([answer, predictor.probabilities(nasty)])).max())
    if not difference <= PARITY_TOLERANCE:
        raise RunError(
            f"model.onnx differs from the trained model by {difference:.1e} in a probability, on dev or nasty texts",
            hint=f"It was not written; at most {PARITY_TOLERANCE:.0e} is allowed. The checkpoints are whole.",
        )
    metrics = evaluate(dev.labels, answer, dev.weights, corpora.labels)
    card = model_card(data_sha256.values(), {"dev": metrics})
    model = with_metadata(draft, settings.metadata(config, corpora, card))
    with atomic_file(run.weights_file) as file:
        write_tensors(file, weights)
    atomic_write(run.model_file, model)
    write_json(run.metrics_file("dev"), metrics)
    run.metrics_file("test").unlink(missing_ok=True)  # of older weights, where a finished run has gone on
    return Exported(best_step, settings.rules(config).metric, difference, len(nasty), metrics)


def _probabilities(trainer: Trainer, encoded: Sequence[Sequence[int]]) -> np.ndarray:
    """<float32>[texts, classes], of one text at a time."""
    label, weight = np.zeros(1, np.int32), np.ones(1, np.float32)
    batches = (Batch(*pad([ids]), label, weight, np.array([row])) for row, ids in enumerate(encoded))
    return trainer.probabilities(batches, len(encoded))
