"""Makes an input worse: by a few random changes of its bytes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzzing.nasty import PIECES

Change = Callable[[bytearray, Random], None]


def _place(data: bytearray, dice: Random) -> int:
    return dice.randint(0, len(data))


def _slice(data: bytearray, dice: Random) -> slice:
    start = _place(data, dice)
    return slice(start, start + dice.choice([1, 3, 20, 200]))


def insert_piece(data: bytearray, dice: Random) -> None:
    place = _place(data, dice)
    data[place:place] = dice.choice(PIECES) * dice.choice([1, 1, 1, 2, 30])


def flip_a_bit(data: bytearray, dice: Random) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def delete(data: bytearray, dice: Random) -> None:
    del data[_slice(data, dice)]


def double(data: bytearray, dice: Random) -> None:
    some = _slice(data, dice)
    data[some] = data[some] * 2


def move(data: bytearray, dice: Random) -> None:
    some = _slice(data, dice)
    taken = data[some]
    del data[some]
    place = _place(data, dice)
    data[place:place] = taken


def cut(data: bytearray, dice: Random) -> None:
    del data[_place(data, dice) :]


CHANGES: list[Change] = [insert_piece, insert_piece, insert_piece, flip_a_bit, delete, double, move, cut]


def mutated(data: bytes, dice: Random) -> bytes:
    """The data after one to six changes."""
    changing = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        dice.choice(CHANGES)(changing, dice)
    return bytes(changing)
