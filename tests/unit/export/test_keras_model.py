"""The Keras export against the oracle, for every shape that it can have, and the files beside it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import seqtrain
from seqtrain.errors import UsageError
from seqtrain.export.keras_model import refusal, write
from seqtrain.export.source import Source
from seqtrain.inference.metadata import Decision
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.tokenizer import Tokenizer, word_rule
from seqtrain.text.vocabulary import UNK
from tests import oracles
from tests.cli.command import python, tree
from tests.onnx_models import NGRAMS, SIZES, VOCABULARY, oracle_logits
from tests.shapes import CELLS, Shape
from tests.unit.export.sources import source

ROOT = Path(seqtrain.__file__).parents[1]
TOLERANCE = 1e-5  # in a probability: float32 next to float64
MEAN, LAST = ("mean",), ("last",)
SHAPES = [
    *(Shape(cell, pooling) for cell in CELLS for pooling in (MEAN, LAST)),
    *(Shape(cell, pooling, bidirectional=False) for cell in CELLS for pooling in (MEAN, LAST)),
    *(Shape(cell, MEAN + LAST, layers=2) for cell in CELLS),
    *(Shape(cell, LAST + MEAN, bidirectional=False, layers=2) for cell in CELLS),
]


def texts(lengths: list[int]) -> list[np.ndarray]:
    """Of these lengths, and one that is a single unknown word."""
    random = np.random.RandomState(0)
    return [*(random.randint(1, SIZES["vocabulary"], length) for length in lengths), np.array([UNK])]


def reopened(folder: Path) -> Any:
    """The model, as Keras alone opens it."""
    return keras.models.load_model(folder / "model.keras", safe_mode=True)


def difference(model: Any, shape: Shape, lengths: list[int], more_padding: int = 0, **wide: Any) -> float:
    """The largest from the oracle, in a probability, for a batch of `texts`."""
    batch = texts(lengths)
    token_ids = np.zeros((len(batch), max(lengths) + more_padding), np.int32)
    for row, ids in zip(token_ids, batch, strict=True):
        row[: len(ids)] = ids
    expected = oracles.softmax(oracle_logits(shape, batch, **wide))
    return float(np.abs(expected - model(token_ids).numpy()).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_answers_as_the_oracle_does(tmp_path: Path, shape: Shape) -> None:
    write(source(shape), tmp_path)
    model = reopened(tmp_path)
    assert difference(model, shape, [3, 1, 7, 4]) < TOLERANCE
    assert difference(model, shape, [1, 2], more_padding=3) < TOLERANCE


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("longest", "buckets"), [(1, 0), (2, 20), (4, 1000)])
def test_so_it_does_with_a_wide_path(tmp_path: Path, longest: int, buckets: int, classes: int) -> None:
    wide = {"ngrams": NGRAMS._replace(longest=longest, buckets=buckets), "classes": classes}
    write(source(Shape("gru"), **wide), tmp_path)
    model = reopened(tmp_path)
    assert difference(model, Shape("gru"), [12, 1, 7, 13, 12], **wide) < TOLERANCE
    assert difference(model, Shape("gru"), [1], **wide) < TOLERANCE
    assert difference(model, Shape("gru"), [3, 12], more_padding=3, **wide) < TOLERANCE


def without_mask(
    words: int, size: int, mask_zero: bool, name: str, plain: Any = keras.layers.Embedding
) -> Any:
    return plain(words, size, name=name)


FAULTS = {
    "a maximum for the mean": (keras.layers, "GlobalAveragePooling1D", keras.layers.GlobalMaxPooling1D),
    "no mask": (keras.layers, "Embedding", without_mask),
    "directions mixed up": (Source, "directions", property(lambda source: ("backward", "forward"))),
}


@pytest.mark.parametrize(("where", "name", "fault"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("lengths", [[3, 1, 7, 4], [2, 9]], ids=str)
@pytest.mark.filterwarnings("ignore:Layer 'mean' .* does not support masking")
def test_the_oracle_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, fault: Any, lengths: list[int]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(where, name, fault)
        write(source(Shape()), tmp_path)
    assert difference(reopened(tmp_path), Shape(), lengths) > 100 * TOLERANCE


def test_the_files_beside_it_say_all_that_makes_ids_of_a_text(tmp_path: Path) -> None:
    labels, tokens = ["a b", "é", "x\u2028y"], [*VOCABULARY.tokens[:-1], "’\u200d"]
    tokenizer = Tokenizer("char", lowercase=False, max_length=7, truncate="tail")
    write(source(Shape(), labels=labels, tokens=tokens, tokenizer=tokenizer), tmp_path)
    files = ["decision.json", "labels.txt", "model.keras", "tokenizer.json", "vocabulary.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert (tmp_path / "labels.txt").read_bytes() == "a b\né\nx\u2028y\n".encode()
    assert (tmp_path / "vocabulary.txt").read_bytes().decode().split("\n") == [*tokens, ""]
    rules = json.loads((tmp_path / "tokenizer.json").read_bytes())
    assert Tokenizer.from_rule(rules.pop("rule")) == tokenizer
    assert rules == {"word_rule": json.loads(word_rule())}
    assert json.loads((tmp_path / "decision.json").read_bytes()) is None


def test_so_does_the_decision(tmp_path: Path) -> None:
    write(source(Shape(), decision=Decision(0.25, "f1", "pos")), tmp_path)
    decision = json.loads((tmp_path / "decision.json").read_bytes())
    assert decision == {"threshold": 0.25, "metric": "f1", "label": "pos"}


@pytest.mark.parametrize(
    ("shape", "ngrams"),
    [(Shape(pooling=MEAN + LAST, layers=2), None), (Shape("gru"), None), (Shape(), NGRAMS)],
    ids=str,
)
def test_the_model_is_made_of_what_keras_has(tmp_path: Path, shape: Shape, ngrams: Ngrams | None) -> None:
    """No module but Keras's own is named, and nothing that would have to be registered."""
    write(source(shape, ngrams), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = archive.read("config.json").decode()
    objects: list[dict[str, Any]] = []
    json.loads(config, object_hook=lambda value: objects.append(value) or value)
    named = [value for value in objects if "registered_name" in value]
    assert {value["class_name"] for value in named} >= {"Functional", "Embedding", "Bidirectional", "Dense"}
    assert {value["module"].partition(".")[0] for value in named} == {"keras"}
    operations = {value["class_name"] for value in named if value["module"].startswith("keras.src.ops.")}
    assert {value["registered_name"] for value in named} <= {None, "Functional", *operations}
    assert "Lambda" not in config


CODE = """
import os, sys
from pathlib import Path
os.environ["HOME"] = sys.argv[1]
from seqtrain.training import runtime
runtime.start(1)
from seqtrain.export.keras_model import write
from tests.shapes import Shape
from tests.unit.export.sources import source
write(source(Shape()), Path(sys.argv[2]))
"""


def test_keras_is_quiet_and_the_users_own_settings_of_it_are_of_no_account(tmp_path: Path) -> None:
    home, folder, settings = tmp_path / "home", tmp_path / "export", tmp_path / "home/.keras/keras.json"
    settings.parent.mkdir(parents=True)
    folder.mkdir()
    settings.write_text('{"floatx": "float16", "backend": "jax"}')
    before = tree(settings.parent)
    assert python("-c", CODE, str(home), str(folder), cwd=ROOT) == (0, "", "")
    assert tree(settings.parent) == before
    assert difference(reopened(folder), Shape(), [1, 4]) < TOLERANCE


@pytest.mark.parametrize(
    ("pooling", "reasons"),
    [
        (("max",), ["max (GlobalMaxPooling1D ignores masks"]),
        (("mean", "attention"), ["attention (none of its layers"]),
        (("max", "attention", "last"), ["max (", " and attention ("]),
    ],
    ids=str,
)
def test_what_it_cannot_express_is_refused(
    tmp_path: Path, pooling: tuple[str, ...], reasons: list[str]
) -> None:
    model = source(Shape(pooling=pooling))
    assert all(reason in refusal(model) for reason in reasons)
    with pytest.raises(UsageError, match="Export savedmodel or onnx, or train with"):
        write(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_it_can_express_is_not_refused() -> None:
    assert {refusal(source(shape)) for shape in SHAPES} == {""}
