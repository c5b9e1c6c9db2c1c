"""Cuts texts where it is safe: the tokens of a text are those of its pieces, one piece after the other.

It works on the UTF-8 bytes of many texts at once. A piece is all the better the fewer tokens it holds, for then it
comes again soon, and what is known about it can be used. But what its tokens are is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEPARATOR = b"\n"
"""Put after each text; no piece goes beyond it."""

_SEPARATOR, _BEYOND_ASCII, _LETTER, _SIGN, _APOSTROPHE = range(5)


class Pieces(NamedTuple):
    """Piece i has the bytes from starts[i] to before stops[i], at least one; both int64[pieces], rising."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Pieces:
        """Some of the pieces."""
        return Pieces(self.starts[rows], self.stops[rows])

    def of(self, text: bytes) -> list[bytes]:
        """Their bytes."""
        places = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return [text[start:stop] for start, stop in places]


def _kind(byte: int) -> int:
    """What a byte is to `word`."""
    character = chr(byte)
    if not character.isascii():
        return _BEYOND_ASCII
    if character.isalnum():
        return _LETTER
    if character == "'":
        return _APOSTROPHE
    return _SIGN if "!" <= character <= "~" else _SEPARATOR


_KINDS = bytes(map(_kind, range(256)))
# Of the character that starts with a byte, in bytes; 0 for a byte in the middle of one.
_LENGTHS = bytes([1] * 0x80 + [0] * 0x40 + [2] * 0x20 + [3] * 0x10 + [4] * 0x10)


def words(text: bytes, ends: NDArray[np.int64]) -> Pieces:
    """Words with their inner apostrophes, and other ASCII signs; what is beyond ASCII counts as a letter.

    A sign keeps what follows if that is beyond ASCII: it may be a combining mark.
    """
    kinds = _look_up(text, _KINDS)
    letter, sign = (kinds == _LETTER) | (kinds == _BEYOND_ASCII), kinds >= _SIGN
    apostrophe = np.flatnonzero(kinds == _APOSTROPHE)
    inner = apostrophe[letter[apostrophe - 1] & letter[apostrophe + 1]]
    letter[inner], sign[inner] = True, False
    apart = ~(letter[:-1] & letter[1:]) & ~(sign[:-1] & (kinds[1:] == _BEYOND_ASCII))
    return _pieces(letter | sign, apart)


def runs(text: bytes, ends: NDArray[np.int64]) -> Pieces:
    """What ASCII white space and control characters separate."""
    inside = _look_up(text, _KINDS) != _SEPARATOR
    return _pieces(inside, ~(inside[:-1] & inside[1:]))


def characters(text: bytes, ends: NDArray[np.int64]) -> Pieces:
    """Code points, all of them."""
    lengths = _look_up(text, _LENGTHS).astype(np.int64)
    lengths[ends] = 0
    lengths[ends[-1] :] = 0
    starts = np.flatnonzero(lengths)
    return Pieces(starts, starts + lengths[starts])


def _look_up(text: bytes, table: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text.translate(table), np.uint8)


def _pieces(inside: NDArray[np.bool_], apart: NDArray[np.bool_]) -> Pieces:
    """inside: whether a byte is in a piece; apart: whether it is in another one than the next byte."""
    starts, stops = inside.copy(), inside.copy()
    starts[1:] &= apart
    stops[:-1] &= apart
    return Pieces(np.flatnonzero(starts), np.flatnonzero(stops) + 1)


class Cut(NamedTuple):
    """How to cut for a kind of tokenizer.

    pieces: from the bytes of texts and the places of the separators after them to the pieces. Those of ASCII alone are
    one token each. between: put after each of many such pieces, it makes a text that has just their tokens.
    """

    pieces: Callable[[bytes, NDArray[np.int64]], Pieces]
    between: bytes


CUTS = {"word": Cut(words, SEPARATOR), "whitespace": Cut(runs, SEPARATOR), "char": Cut(characters, b"")}
