"""Reads TFRecord files of Event messages byte by byte, with a CRC of its own: the oracle for what is written."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected (RFC 3720, appendix B.4)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """As tensorflow/core/lib/hash/crc32c.h has it: rotated right by 15 bits, plus a constant."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path: Path) -> Iterator[bytes]:
    """length <uint64>, masked CRC of the length, data, masked CRC of the data; all little-endian."""
    content = path.read_bytes()
    while content:
        length, length_crc = struct.unpack_from("<QI", content)
        data, (data_crc,) = content[12 : 12 + length], struct.unpack_from("<I", content, 12 + length)
        assert length_crc == masked_crc32c(content[:8])
        assert data_crc == masked_crc32c(data)
        yield data
        content = content[16 + length :]


def events(path: Path) -> list[tf.compat.v1.Event]:
    return [tf.compat.v1.Event.FromString(record) for record in records(path)]


def scalars(path: Path) -> list[tuple[int, str, float]]:
    """(step, tag, value) of every point, in the order they were written."""
    return [
        (event.step, value.tag, value.simple_value) for event in events(path) for value in event.summary.value
    ]
