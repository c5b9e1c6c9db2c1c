"""Named float32 arrays as a safetensors file, written without a second copy and read without trust.

The format: 8 bytes, little-endian, with the size of a JSON header; the header, name → dtype, shape and the range of
bytes it has of the data; the data, little-endian, without gaps (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqtrain.untrusted import all_finite, damaged, opened, parse_json

MOST_HEADER = 1 << 20  # bytes; a name takes some hundred

Shapes = Mapping[str, tuple[int, ...]]
Float32 = NDArray[np.float32]


def write_tensors(path: Path, tensors: Mapping[str, Float32]) -> None:
    """Writes a file, byte by byte that of the library `safetensors`; raises OSError.

    Not by the library itself: it takes the memory of an array as if it lay in order, and renames a file of its own.
    """
    header, end = {}, 0
    for name in sorted(tensors):
        begin, end = end, end + _bytes(tensors[name].shape)
        header[name] = {"dtype": "F32", "shape": tensors[name].shape, "data_offsets": (begin, end)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in header:
            file.write(np.require(tensors[name], "<f4", "C").data)


def read_tensors(path: Path, shapes: Shapes, *, only: Collection[str] | None = None) -> dict[str, Float32]:
    """The tensors of a file, or `only` some of them, by name.

    shapes: of all that have to be in the file. RunError, naming the file, unless it holds these tensors and nothing
    else, which is checked before memory is taken, and the numbers that are read are finite.
    """
    with opened(path) as (file, size):
        data_bytes = sum(map(_bytes, shapes.values()))
        header_bytes = size - 8 - data_bytes
        if not 0 < header_bytes <= MOST_HEADER or int.from_bytes(file.read(8), "little") != header_bytes:
            raise damaged(path, f"it has {size:,} bytes, which do not fit the {data_bytes:,} of its tensors")
        begins = _begins(parse_json(file.read(header_bytes), str(path)), shapes, path)
        names = shapes if only is None else only
        return {
            name: _read_tensor(file, 8 + header_bytes + begins[name], name, shapes[name], path)
            for name in names
        }


def _begins(header: Any, shapes: Shapes, path: Path) -> dict[str, int]:
    """Where in the data each tensor begins; RunError unless the header tells of these shapes and leaves no gap."""
    if not isinstance(header, dict) or header.keys() != shapes.keys():
        raise damaged(path, f"it does not hold the tensors {', '.join(sorted(shapes))} and no others")
    for name, shape in shapes.items():
        if problem := _problem(header[name], shape):
            raise damaged(path, f"{name} {problem}")
    ranges = sorted((*header[name]["data_offsets"], name) for name in shapes)
    ends = [0, *(end for _, end, _ in ranges)]
    if [begin for begin, _, _ in ranges] != ends[:-1]:
        raise damaged(path, "its tensors overlap, or have gaps between them")
    return {name: begin for begin, _, name in ranges}


def _problem(entry: Any, shape: tuple[int, ...]) -> str:
    """What is wrong with the header's entry for a tensor of this shape, or nothing."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return "is not described by dtype, shape and data_offsets"
    if entry["dtype"] != "F32" or entry["shape"] != list(shape):
        return f"is {entry['dtype']} {entry['shape']} instead of F32 {list(shape)}"
    match entry["data_offsets"]:
        case [int(begin), int(end)] if end - begin == _bytes(shape):
            return ""
    return "has offsets that do not fit its shape"


def _bytes(shape: tuple[int, ...]) -> int:
    return 4 * math.prod(shape)


def _read_tensor(file: BinaryIO, begin: int, name: str, shape: tuple[int, ...], path: Path) -> Float32:
    file.seek(begin)
    flat = np.fromfile(file, "<f4", math.prod(shape))
    if flat.size < math.prod(shape):
        raise damaged(path, "it is cut short while it is read")
    if not all_finite(flat):
        raise damaged(path, f"{name} has numbers that are not finite")
    return flat.reshape(shape)
