"""This project: the step that `seqtrain fit` runs, without dropout and clipping, as the others do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from workloads import CLASSES, LEARNING_RATE, Workload, batches

from seqtrain.training import runtime


def prepare(way: str, **settings: object) -> Callable[[], dict[str, float]]:
    """way: float32, the only one."""
    runtime.start(None)  # before TensorFlow is imported
    from seqtrain.model.classifier import Architecture
    from seqtrain.model.dropout import Dropout
    from seqtrain.training.trainer import Trainer

    workload = Workload(**settings)
    architecture = Architecture(
        workload.vocabulary_size,
        CLASSES,
        embedding_size=workload.embedding_size,
        cell=workload.cell,
        units=workload.units,
    )
    trainer = Trainer(architecture, dropout=Dropout(), clip_norm=None, seed=1)
    data, numbers = batches(workload), count(1)

    def run() -> dict[str, float]:
        sums = [trainer.train_on(batch, next(numbers), LEARNING_RATE)[0] for batch in data]
        return {"loss": sum(one.loss for one in sums) / sum(one.weight for one in sums)}

    return run
