"""The end of a fit: the best weights as the files of the run that everything else reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.data.batching import Batch, pad
from seqtrain.data.corpus import Corpora
from seqtrain.errors import RunError
from seqtrain.evaluation.assessment import assess
from seqtrain.evaluation.calibration import combined
from seqtrain.inference.graph import build_onnx
from seqtrain.inference.metadata import model_card
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.writer import with_metadata
from seqtrain.pipeline.answer import Answer
from seqtrain.pipeline.events import Exported
from seqtrain.pipeline.training import dev_logits
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
    answer: Answer,
    data_sha256: Mapping[str, str],
    best_step: int,
) -> Exported:
    """Writes the best weights and the model file made of them, which has to agree with TensorFlow.

    It is compared on dev, and on nasty texts of which each side makes token ids by itself. The metrics on dev are those
    of parts that were not fitted to it.
    """
    weights = read_weights(run.checkpoint(best_step), trainer.checkpoint_shapes())
    dev = corpora.dev
    trainer.set_weights(weights)
    network = dev_logits(trainer, dev)
    scales = answer.scales(network)
    nasty, expected_of_nasty = _nasty(config, trainer, corpora, answer, scales)
    expected = np.concatenate([combined(answer.dev_parts_now(network), scales), expected_of_nasty])
    trainer.model.free_memory()
    give_memory_back()
    weights |= answer.arrays(scales)
    draft = build_onnx(
        weights,
        **settings.graph_shape(config),
        metadata=settings.metadata(config, corpora, card={}),
        ngrams=answer.wide.ngrams if answer.wide else None,
    )
    give_memory_back()
    predictor = Predictor(draft)
    got, before = predictor.corpus_outputs(dev, predictor.outputs)
    difference = float(np.abs(expected - np.concatenate([got, predictor.probabilities(nasty)])).max())
    if not difference <= PARITY_TOLERANCE:
        raise RunError(
            f"model.onnx differs from the trained model by {difference:.1e} in a probability, on dev or nasty texts",
            hint=f"It was not written; at most {PARITY_TOLERANCE:.0e} is allowed. The checkpoints are whole.",
        )
    if answer.has_seen_dev:
        parts = answer.dev_parts(network)
        got, before = combined(parts, scales), np.sum(parts, axis=0)
    decision = settings.decision(config, corpora, got)
    metrics = assess(
        dev.labels,
        got,
        dev.weights,
        corpora.labels,
        threshold=decision.threshold if decision else None,
        logits_before=before,
        in_sample=True,
    )
    card = model_card(data_sha256.values(), {"dev": metrics})
    model = with_metadata(draft, settings.metadata(config, corpora, card, decision))
    with atomic_file(run.weights_file) as file:
        write_tensors(file, weights)
    atomic_write(run.model_file, model)
    write_json(run.metrics_file("dev"), metrics)
    run.metrics_file("test").unlink(missing_ok=True)  # of older weights, where a finished run has gone on
    return Exported(best_step, settings.rules(config).metric, difference, len(nasty), metrics)


def _nasty(
    config: Config, trainer: Trainer, corpora: Corpora, answer: Answer, scales: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Texts that are hard to cut, and what the trained model says to them, one at a time."""
    tokenizer = settings.tokenizer(config)
    texts = [text.decode(errors="replace") for text in nasty_texts(tokenizer).values()]
    encoded = [corpora.vocabulary.encode(tokenizer(text)) for text in texts]
    label, weight = np.zeros(1, np.int32), np.ones(1, np.float32)
    batches = (Batch(*pad([ids]), label, weight, np.array([row])) for row, ids in enumerate(encoded))
    network = trainer.logits(batches, len(encoded))
    return texts, combined(answer.parts(network, encoded), scales)
