"""Remembers a number for each of many short pieces of text, and looks up thousands of them at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.pieces import Pieces

LONGEST = 16
"""Bytes that a piece may have to be remembered."""

_HALF = 8
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(_HALF + 1)], np.uint64)
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)  # large and odd: they mix all bits


class PieceTable:
    """A hash table with one place for each slot: of two pieces with the same slot it remembers the later one.

    A piece is compared in full, as two numbers of 8 bytes each, so that what is found is right.
    """

    def __init__(self, bits: int = 20) -> None:
        self._shift = np.uint64(64 - bits)
        self._heads, self._tails = np.zeros((2, 1 << bits), np.uint64)
        self._successors = np.zeros(1 << bits, np.int32)  # of the numbers, so that 0 stands for none

    def find(self, text: bytes, pieces: Pieces) -> NDArray[np.int32]:
        """The numbers int32[pieces] of pieces of the text, -1 for those that are not known.

        At least LONGEST bytes must follow the start of each piece.
        """
        heads, tails = _halves(text, pieces)
        slots = self._slots(heads, tails)
        known = (self._heads.take(slots) == heads) & (self._tails.take(slots) == tails)
        known &= pieces.stops - pieces.starts <= LONGEST
        numbers: NDArray[np.int32] = self._successors.take(slots) * known - 1
        return numbers

    def remember(self, text: bytes, pieces: Pieces, numbers: NDArray[np.int32]) -> None:
        """Numbers from 0, int32[pieces], for the next time; pieces that are too long are forgotten."""
        short = np.flatnonzero(pieces.stops - pieces.starts <= LONGEST)
        heads, tails = _halves(text, pieces.take(short))
        slots = self._slots(heads, tails)
        self._heads[slots], self._tails[slots], self._successors[slots] = heads, tails, numbers[short] + 1

    def _slots(self, heads: NDArray[np.uint64], tails: NDArray[np.uint64]) -> NDArray[np.int64]:
        slots: NDArray[np.uint64] = (heads ^ tails * _FACTORS[0]) * _FACTORS[1] >> self._shift
        return slots.view(np.int64)


def _halves(text: bytes, pieces: Pieces) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first and the second 8 bytes of each piece as one number each, with zeros for what it has not."""
    lengths = pieces.stops - pieces.starts
    at = np.ndarray(len(text) - _HALF + 1, "<u8", text, strides=(1,))  # the 8 bytes from each place on
    heads = at.take(pieces.starts) & _MASKS.take(lengths, mode="clip")
    tails = np.zeros_like(heads)
    longer = np.flatnonzero(lengths > _HALF)
    tails[longer] = at.take(pieces.starts[longer] + _HALF) & _MASKS.take(lengths[longer] - _HALF, mode="clip")
    return heads, tails
