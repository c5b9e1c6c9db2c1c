"""The weights of a finished run: those of its config, its words and its labels, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqtrain.errors import RunError
from seqtrain.model.classifier import Architecture
from seqtrain.run import Run
from seqtrain.run.tensors import write_tensors
from seqtrain.text.ngrams import Ngrams
from seqtrain.verification import engine
from seqtrain.weights import trained_weights
from tests.onnx_models import LABELS, NGRAMS, SIZES, VOCABULARY, random_weights
from tests.shapes import Shape

CONFIG = """\
data: {{train: train.tsv, dev: 0.25}}
tokenizer: {{max_length: 12}}
model: {{embedding_size: 5, units: 4, wide: {wide}}}
"""
Arrays = dict[str, np.ndarray]


def arrays_of(ngrams: Ngrams | None, classes: int = 3) -> Arrays:
    weights = random_weights(Shape(), ngrams, classes)
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def written(folder: Path, arrays: Arrays, ngrams: Ngrams | None, labels: list[str] = LABELS) -> Run:
    """As much of a finished run as its weights need."""
    run = Run(folder)
    run.config_file.write_text(CONFIG.format(wide=f"{{ngrams: {ngrams.longest}}}" if ngrams else "null"))
    run.labels_file.write_text("".join(f"{label}\n" for label in labels))
    run.vocabulary_file.write_text("".join(f"{token}\t1\n" for token in VOCABULARY.tokens))
    run.model_file.write_bytes(b"-")
    run.info_file.write_text("{}")
    write_tensors(run.weights_file, arrays)
    run.seal()
    return run


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "ngrams", [None, NGRAMS, NGRAMS._replace(longest=1, buckets=0), NGRAMS._replace(buckets=1)], ids=str
)
def test_they_are_those_that_were_written(tmp_path: Path, ngrams: Ngrams | None, classes: int) -> None:
    arrays = arrays_of(ngrams, classes)
    found = trained_weights(written(tmp_path, arrays, ngrams, LABELS[:classes]))
    assert (found.tokens, found.labels, found.ngrams) == (VOCABULARY.tokens, LABELS[:classes], ngrams)
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    beside = {"output.scale", *(name for name in arrays if name.startswith("wide."))}
    assert found.network.keys() == arrays.keys() - beside


def less(name: str) -> Arrays:
    return {key: array for key, array in arrays_of(NGRAMS).items() if key != name}


@pytest.mark.parametrize(
    ("arrays", "ngrams"),
    [
        (less("output.scale"), NGRAMS),
        (less("wide.table"), NGRAMS),
        (less("wide.scale"), NGRAMS),
        (arrays_of(NGRAMS), None),
        (arrays_of(None), NGRAMS),
        (arrays_of(NGRAMS, classes=2), NGRAMS),
        ({**arrays_of(NGRAMS), "wide.table": np.zeros((SIZES["vocabulary"], 3), np.float32)}, NGRAMS),
        ({**arrays_of(NGRAMS), "wide.table": np.zeros((0, 3), np.float32)}, NGRAMS),
        ({**arrays_of(NGRAMS), "wide.table": np.zeros((3, 32), np.float32)}, NGRAMS),
        ({**arrays_of(NGRAMS), "wide.table": np.full((32, 3), np.nan, np.float32)}, NGRAMS),
        (arrays_of(NGRAMS), NGRAMS._replace(longest=1, buckets=0)),
    ],
)
def test_others_are_refused(tmp_path: Path, arrays: Arrays, ngrams: Ngrams | None) -> None:
    with pytest.raises(RunError, match=r"weights\.safetensors: is damaged: "):
        trained_weights(written(tmp_path, arrays, ngrams))


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    arrays = arrays_of(None)
    run = written(tmp_path, arrays, None)
    write_tensors(run.weights_file, {**arrays, "output.scale": arrays["output.scale"] + 1})
    with pytest.raises(RunError, match=r"weights\.safetensors: .*not the file that `seqtrain fit` wrote"):
        trained_weights(run)


def test_they_are_what_a_model_is_compared_with(tmp_path: Path) -> None:
    arrays = arrays_of(NGRAMS)
    trained = engine.trained_classifier(
        written(tmp_path, arrays, NGRAMS), Architecture(SIZES["vocabulary"], 3, 5, units=4)
    )
    assert trained.ngrams == NGRAMS
    assert trained.arrays.keys() == arrays.keys()
    for name, weight in trained.network.weights.items():
        np.testing.assert_array_equal(weight.numpy(), arrays[name])
