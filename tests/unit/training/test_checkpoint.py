import numpy as np
import pytest

from seqtrain.errors import RunError
from seqtrain.training.checkpoint import MANIFEST, STATE, Checkpoint, read_weights
from seqtrain.training.loop import Progress, Sums


@pytest.fixture
def checkpoint():
    random = np.random.RandomState(0)
    arrays = {name: random.normal(size=(3, 2)).astype(np.float32) for name in "ab"}
    progress = Progress(
        step=7, epoch=1, position=3, since_evaluation=Sums(0.1, 2.0, 3.0, 40, 0.5), best_score=1 / 3
    )
    return Checkpoint(arrays, {"mean.a": arrays["a"] * 2}, progress)


@pytest.fixture
def folder(checkpoint, tmp_path):
    checkpoint.write(tmp_path)
    return tmp_path


def test_comes_back_to_the_bit(checkpoint, folder):
    read = Checkpoint.read(folder)
    assert read.progress == checkpoint.progress
    for arrays, expected in [(read.weights, checkpoint.weights), (read.slots, checkpoint.slots)]:
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_the_weights_can_be_read_alone(checkpoint, folder):
    weights = read_weights(folder)
    assert weights.keys() == checkpoint.weights.keys()
    for name, array in checkpoint.weights.items():
        np.testing.assert_array_equal(weights[name], array)


def test_an_error_of_the_system_stays_one(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.write(tmp_path / "nowhere")


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [STATE, MANIFEST])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(b"{}"),
    ],
    ids=["missing", "empty", "truncated", "other"],
)
def test_damage_is_an_error_that_names_the_folder(folder, name, damage):
    damage(folder / name)
    for read in (Checkpoint.read, read_weights):
        with pytest.raises(RunError, match=folder.name):
            read(folder)


def test_one_changed_bit_is_noticed(folder):
    flip_a_bit(folder / STATE)
    with pytest.raises(RunError, match="not the file"):
        Checkpoint.read(folder)
