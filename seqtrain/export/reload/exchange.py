"""How the scripts of this folder that use the package answer: batches of texts from stdin, answers to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.batching import pad
from seqtrain.evaluation.decision import decided

Ids = NDArray[np.int32]


def answer(
    encode: Callable[[str], list[int]],
    run: Callable[[Ids, Ids], NDArray[np.float32]],
    labels: Sequence[str],
    threshold: float | None = None,
) -> None:
    """Answers the request of `seqtrain.export.fresh`, batch by batch as it has them.

    encode: text → token ids; run: token_ids <int32>[batch, time], lengths → probabilities <float32>[batch, classes];
    threshold: as `decided` has it.
    """
    answers: dict[str, list[Any]] = {"labels": [], "probabilities": []}
    for batch in json.load(sys.stdin.buffer):
        texts = [text.encode("latin-1").decode("utf-8", "replace") for text in batch]
        probabilities = run(*pad([encode(text) for text in texts]))
        answers["labels"] += [labels[number] for number in decided(probabilities, threshold)]
        answers["probabilities"] += probabilities.tolist()
    json.dump(answers, sys.stdout)
