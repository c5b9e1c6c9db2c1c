"""seqtrain: train, evaluate and ship small text classifiers on an ordinary CPU.

>>> import seqtrain
>>> model = seqtrain.fit("configs/reviews.yaml", out="runs/reviews")     # doctest: +SKIP
>>> model = seqtrain.load("runs/reviews")  # or of its model.onnx alone             # doctest: +SKIP
>>> model.predict(["a beautifully acted film"])[0].label                           # doctest: +SKIP
'pos'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqtrain.trained import TrainedModel

__version__ = "0.1.0"
__all__ = ["__version__", "fit", "load"]


def fit(
    config: str | Path | Mapping[str, Any],
    *,
    out: str | Path,
    overrides: Sequence[str] = (),
    overwrite: bool = False,
    resume: bool = False,
) -> TrainedModel:
    """Trains a classifier into the run folder `out` and opens it; silently, run.json and metrics.jsonl tell.

    config: a YAML file, or its content as nested mappings. overrides: like "training.epochs=3", as --set takes them.
    overwrite: replace a run that is there, once the new one is evaluated. resume: go on with it instead.
    Raises the errors of `seqtrain.errors`.

    A TensorFlow that the calling program has imported keeps its threads and flags; run.json records them.
    """
    from seqtrain.config import config_from, load_config
    from seqtrain.pipeline import fit as fit_run

    read = config_from if isinstance(config, Mapping) else load_config
    return load(fit_run(read(config, overrides), out=out, overwrite=overwrite, resume=resume).path)  # type: ignore[arg-type]


def load(path: str | Path | None = None, *, threads: int | None = None) -> TrainedModel:
    """Opens a trained run, by default the newest below runs/, or a model.onnx by itself.

    threads: how many calls of the model run side by side, None for one per core. Raises RunError if there is none, or
    it is damaged or unfinished.
    """
    from seqtrain.trained import open_model

    return open_model(path, threads=threads)
