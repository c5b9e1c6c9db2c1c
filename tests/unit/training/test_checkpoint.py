from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seqtrain.errors import RunError
from seqtrain.training.checkpoint import MANIFEST, STATE, Checkpoint, read_weights
from seqtrain.training.loop import Progress, Sums

SHAPES = {"weights/a": (3, 2), "weights/b": (3, 2), "slots/mean.a": (3, 2)}


@pytest.fixture
def checkpoint():
    random = np.random.RandomState(0)
    arrays = {name: random.normal(size=(3, 2)).astype(np.float32) for name in "ab"}
    progress = Progress(
        step=7, epoch=1, position=3, since_evaluation=Sums(0.1, 2.0, 3.0, 40, 0.5), best_score=1 / 3
    )
    return Checkpoint(arrays, {"mean.a": arrays["a"] * 2}, progress, journal_bytes=120)


@pytest.fixture
def folder(checkpoint, tmp_path):
    checkpoint.write(tmp_path)
    return tmp_path


def test_comes_back_to_the_bit(checkpoint, folder):
    read = Checkpoint.read(folder, SHAPES)
    assert (read.progress, read.journal_bytes) == (checkpoint.progress, 120)
    for arrays, expected in [(read.weights, checkpoint.weights), (read.slots, checkpoint.slots)]:
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_the_weights_can_be_read_alone(checkpoint, folder):
    weights = read_weights(folder, SHAPES)
    assert weights.keys() == checkpoint.weights.keys()
    for name, array in checkpoint.weights.items():
        np.testing.assert_array_equal(weights[name], array)


def test_an_error_of_the_system_stays_one(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.write(tmp_path / "nowhere")


def test_numbers_that_are_none_are_noticed(checkpoint):
    assert checkpoint.is_finite()
    checkpoint.slots["mean.a"][1, 1] = np.inf
    assert not checkpoint.is_finite()


@pytest.mark.parametrize("name", [STATE, MANIFEST])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b"{}"),
        lambda path: path.write_bytes(path.read_bytes().replace(b"7", b"8")),
        lambda path: (path.rename(path.with_suffix(".x")), path.symlink_to(path.with_suffix(".x"))),
    ],
    ids=["missing", "empty", "truncated", "other", "altered", "link"],
)
def test_damage_is_an_error_that_names_the_file(folder, name, damage):
    damage(folder / name)
    for read in (Checkpoint.read, read_weights):
        with pytest.raises(RunError, match=name):
            read(folder, SHAPES)


def test_one_changed_bit_of_the_state_is_noticed(folder):
    content = bytearray((folder / STATE).read_bytes())
    content[-1] ^= 1
    (folder / STATE).write_bytes(content)
    with pytest.raises(RunError, match=r"not the file that manifest\.json describes"):
        Checkpoint.read(folder, SHAPES)


def test_a_state_of_another_model_is_refused(folder):
    with pytest.raises(RunError, match=STATE):
        Checkpoint.read(folder, {**SHAPES, "weights/a": (2, 3)})


def forge(folder: Path, **changes: object) -> None:
    """Another manifest that is whole in itself."""
    from seqtrain.training import checkpoint

    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["sha256"]
    manifest |= changes
    manifest["sha256"] = checkpoint._digest(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


PROGRESS = {
    "step": 7,
    "epoch": 1,
    "position": 3,
    "evaluated_step": 0,
    "since_evaluation": {"loss": 0.1, "correct": 2.0, "weight": 3.0, "tokens": 40, "seconds": 0.5},
    "best_score": None,
    "best_step": None,
    "evaluations_without_improvement": 0,
}


def test_a_forged_manifest_may_say_what_a_real_one_could(folder):
    forge(folder, progress=PROGRESS)
    assert Checkpoint.read(folder, SHAPES).progress.position == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"progress": {**PROGRESS, "step": "7"}},
        {"progress": {**PROGRESS, "step": -1}},
        {"progress": {**PROGRESS, "step": True}},
        {"progress": {**PROGRESS, "step": 7.5}},
        {"progress": {**PROGRESS, "best_score": "high"}},
        {"progress": {**PROGRESS, "since_evaluation": {}, "epoch": []}},
        {"progress": {**PROGRESS, "since_evaluation": None}},
        {"progress": {**PROGRESS, "more": 1}},
        {"progress": []},
        {"journal_bytes": "many"},
        {"journal_bytes": -1},
        {"state_sha256": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_manifest_of_another_form_is_refused(folder, changes):
    forge(folder, **changes)
    with pytest.raises(RunError, match=f"{MANIFEST}: is damaged|{STATE}: is damaged"):
        Checkpoint.read(folder, SHAPES)
