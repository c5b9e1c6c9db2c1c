"""Tensors in a file: written as `safetensors` does, read only if they are what is expected."""

from __future__ import annotations

import errno
import json
import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.errors import RunError
from seqtrain.run.tensors import MOST_HEADER, read_tensors, write_tensors
from seqtrain.untrusted import BLOCK

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
TENSORS = {
    "slots/mean": np.arange(6, dtype=np.float32).reshape(3, 2),
    "weights/bias": np.array([0.5], np.float32),
    "weights/kernel": -np.ones((2, 4), np.float32),
}
SHAPES = {name: tensor.shape for name, tensor in TENSORS.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "state.safetensors"
    write_tensors(path, TENSORS)
    return path


def random_tensors(some_shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    return {name: np.asarray(random.normal(size=shape), np.float32) for name, shape in some_shapes.items()}


def same(read: dict[str, np.ndarray], written: dict[str, np.ndarray]) -> bool:
    return read.keys() == written.keys() and all(
        read[name].shape == written[name].shape and read[name].tobytes() == written[name].tobytes()
        for name in written
    )


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(names, shapes, max_size=5))
def test_the_file_is_the_one_of_safetensors_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, some_shapes: dict[str, tuple[int, ...]]
) -> None:
    path, tensors = tmp_path_factory.mktemp("tensors") / "file", random_tensors(some_shapes)
    write_tensors(path, tensors)
    assert path.read_bytes() == safetensors.numpy.save(tensors)
    assert same(read_tensors(path, some_shapes), tensors)


def test_the_order_in_memory_does_not_matter(tmp_path: Path) -> None:
    square = np.arange(9, dtype=np.float32).reshape(3, 3)
    tensors = {"columns first": square.T, "backwards": square[::-1], "every other": square[:, ::2]}
    write_tensors(tmp_path / "file", tensors)
    assert same(safetensors.numpy.load_file(tmp_path / "file"), tensors)


def test_some_can_be_read_alone(file: Path) -> None:
    some = [name for name in TENSORS if name.startswith("weights/")]
    assert same(read_tensors(file, SHAPES, only=some), {name: TENSORS[name] for name in some})


def test_an_error_of_the_system_stays_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_tensors(tmp_path / "nowhere" / "file", TENSORS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space") as caught:
        write_tensors(tmp_path / "file", TENSORS)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("job", [write_tensors, lambda path, _: read_tensors(path, {"a": (1 << 22,)})])
def test_no_second_copy_is_made(tmp_path: Path, job: Callable[[Path, Any], object]) -> None:
    tensors = {"a": np.ones(1 << 22, np.float32)}
    write_tensors(tmp_path / "file", tensors)
    tracemalloc.start()
    job(tmp_path / "file", tensors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < tensors["a"].nbytes + (1 << 21)


def header(content: bytes) -> dict[str, Any]:
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size])


def forged(text: bytes | dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(text).encode() if isinstance(text, dict) else text
    return len(text).to_bytes(8, "little") + text + data


def changed(**entry: Any) -> Callable[[bytes], bytes]:
    """The same file, but for what its header says of one tensor."""

    def forge(content: bytes) -> bytes:
        entries = header(content)
        entries["weights/bias"] |= entry
        return forged(entries, data(content))

    return forge


def data(content: bytes) -> bytes:
    return content[8 + int.from_bytes(content[:8], "little") :]


def duplicate_key(content: bytes) -> bytes:
    text = json.dumps(header(content)).replace("{", '{"weights/bias": {},', 1)
    return forged(text.encode(), data(content))


def renamed(content: bytes) -> bytes:
    entries = header(content)
    entries["../weights/bias"] = entries.pop("weights/bias")
    return forged(entries, data(content))


def swapped(content: bytes) -> bytes:
    """Two tensors that share the same bytes, and bytes that no tensor has."""
    entries = header(content)
    entries["weights/kernel"]["data_offsets"] = [0, 32]
    return forged(entries, data(content))


def with_number(number: float) -> Callable[[bytes], bytes]:
    return lambda content: content[:-4] + np.float32(number).tobytes()


FORGERIES = {
    "empty": (lambda content: b"", "0 bytes"),
    "truncated": (lambda content: content[:-1], "do not fit the 60"),
    "longer": (lambda content: content + b"\0", "do not fit"),
    "header cut": (lambda content: content[:30], "do not fit"),
    "header of 2^63 bytes": (lambda content: b"\xff" * 7 + b"\x7f" + content[8:], "do not fit"),
    "header of 2 MiB": (lambda content: forged(b" " * (2 * MOST_HEADER) + b"{}", bytes(60)), "do not fit"),
    "no header": (lambda content: forged(b"", bytes(60)), "do not fit"),
    "no JSON": (lambda content: forged(b"x", bytes(60)), "Expecting value"),
    "a list": (lambda content: forged(b"[]", bytes(60)), "does not hold the tensors"),
    "deep": (lambda content: forged(b"[" * 200_000, bytes(60)), "recursion"),
    "no tensors": (lambda content: forged({}, bytes(60)), "does not hold the tensors"),
    "one more": (lambda content: forged({**header(content), "x": {}}, data(content)), "does not hold"),
    "metadata": (lambda content: forged({**header(content), "__metadata__": {}}, data(content)), "does not"),
    "another name": (renamed, "does not hold"),
    "duplicate key": (duplicate_key, "key twice"),
    "no entry": (lambda content: forged(dict.fromkeys(SHAPES), data(content)), "is not described"),
    "one key more": (changed(more=1), "weights/bias is not described"),
    "another dtype": (changed(dtype="F16"), r"is F16 \[1\] instead of F32 \[1\]"),
    "no dtype": (changed(dtype=[]), "instead of F32"),
    "another shape": (changed(shape=[1, 1]), r"F32 \[1, 1\] instead"),
    "huge shape": (changed(shape=[2**40]), "instead of F32"),
    "negative shape": (changed(shape=[-1]), "instead of F32"),
    "shape that is none": (changed(shape="1"), "instead of F32"),
    "one offset": (changed(data_offsets=[24]), "has offsets that do not fit"),
    "offsets of text": (changed(data_offsets=["24", "28"]), "has offsets that do not fit"),
    "no offsets": (changed(data_offsets=None), "has offsets that do not fit"),
    "too long": (changed(data_offsets=[24, 32]), "has offsets that do not fit"),
    "a gap": (changed(data_offsets=[25, 29]), "overlap"),
    "outside": (changed(data_offsets=[2**62, 2**62 + 4]), "overlap"),
    "before the data": (changed(data_offsets=[-4, 0]), "overlap"),
    "shared bytes": (swapped, "overlap"),
    "NaN": (with_number(math.nan), "weights/kernel has numbers that are not finite"),
    "infinity": (with_number(-math.inf), "weights/kernel has numbers that are not finite"),
}


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.values(), ids=FORGERIES)
def test_any_other_file_is_refused(file: Path, forge: Callable[[bytes], bytes], reason: str) -> None:
    file.write_bytes(forge(file.read_bytes()))
    with pytest.raises(RunError, match=reason) as caught:
        read_tensors(file, SHAPES)
    assert str(caught.value).startswith(f"{file}: is damaged: ")


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 2 * BLOCK])
def test_every_number_is_looked_at(tmp_path: Path, place: int) -> None:
    numbers = np.ones(2 * BLOCK + 1, np.float32)
    numbers[place] = np.nan
    write_tensors(tmp_path / "file", {"a": numbers})
    with pytest.raises(RunError, match="not finite"):
        read_tensors(tmp_path / "file", {"a": numbers.shape})


def test_what_is_not_read_may_be_anything(file: Path) -> None:
    file.write_bytes(with_number(math.nan)(file.read_bytes()))
    assert read_tensors(file, SHAPES, only=["weights/bias"])["weights/bias"] == 0.5


def test_a_shape_that_no_memory_holds_takes_none(file: Path) -> None:
    with pytest.raises(RunError, match="do not fit"):
        read_tensors(file, {"a": (2**40, 2**20)})


def test_a_link_is_not_followed(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    with pytest.raises(RunError, match="symbolic link"):
        read_tensors(link, SHAPES)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_is_refused_or_gives_finite_numbers(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    content = bytearray(safetensors.numpy.save(TENSORS))
    content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(content)
    try:
        read = read_tensors(path, SHAPES)
    except RunError:
        return
    assert {name: tensor.shape for name, tensor in read.items()} == SHAPES
    assert all(np.isfinite(tensor).all() for tensor in read.values())
