"""Warm start: a new run that begins with the weights of another one, as far as words and labels are the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.data.corpus import Corpora
from seqtrain.errors import UsageError
from seqtrain.pipeline.events import TakenOver
from seqtrain.pipeline.resuming import changes
from seqtrain.run import open_run
from seqtrain.training.trainer import Trainer
from seqtrain.weights import trained_weights

WORD_AXES = {"embedding": 0}
LABEL_AXES = {"output.kernel": 1, "output.bias": 0}


def take_over(source: str, config: Config, trainer: Trainer, corpora: Corpora) -> TakenOver:
    """Puts the best weights of a finished run into the trainer; words and labels that it had not stay as they are.

    Raises UsageError if the network has another shape, RunError if there is no such run or it is damaged.
    """
    run = open_run(source)
    if different := changes(settings.model_shape(run.config()), settings.model_shape(config)):
        lines = "\n  ".join(map(str, different))
        raise UsageError(
            f"training.init_from: {run.path} has another network\n  {lines}", hint="Take over its keys."
        )
    old, new = trained_weights(run), trainer.weights()
    word_pairs, label_pairs = (
        _pairs(old.tokens, corpora.vocabulary.tokens),
        _pairs(old.labels, corpora.labels),
    )
    for name, weight in old.network.items():
        if name in WORD_AXES:
            _copy(weight, new[name], word_pairs, WORD_AXES[name])
        elif name in LABEL_AXES:
            _copy(weight, new[name], label_pairs, LABEL_AXES[name])
        else:
            new[name] = weight
    trainer.set_weights(new)
    return TakenOver(str(run.path), len(word_pairs), len(label_pairs))


def _pairs(old: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """int[names in both, 2]: where each is in `old`, and in `new`."""
    places = {name: place for place, name in enumerate(old)}
    pairs = [(places[name], place) for place, name in enumerate(new) if name in places]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _copy(old: np.ndarray, new: np.ndarray, pairs: np.ndarray, axis: int) -> None:
    old, new = np.moveaxis(old, axis, 0), np.moveaxis(new, axis, 0)  # views
    new[pairs[:, 1]] = old[pairs[:, 0]]
