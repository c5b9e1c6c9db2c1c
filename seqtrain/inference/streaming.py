"""Cuts a stream of records into windows, and says when their answers are due.

A stream may pause: its next record has not arrived yet. Then nothing that has arrived is held back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from seqtrain.errors import DataError

WINDOW_TEXTS = 512  # sorted by length among themselves; two windows are in memory at a time
WINDOW_CHARACTERS = 2**21

Record = TypeVar("Record")
Item = TypeVar("Item")
Pauses = Callable[[], bool]


def never() -> bool:
    """The pauses of a stream that is all there."""
    return False


def windows(
    records: Iterable[Record], size: int, characters: Callable[[Record], int], pauses: Pauses
) -> Iterator[list[Record]]:
    """Cuts a stream into lists of at most `size` records, less when they have many characters and at a pause."""
    window: list[Record] = []
    held = 0
    try:
        for record in records:
            window.append(record)
            held += characters(record)
            if len(window) >= size or held >= WINDOW_CHARACTERS or pauses():
                yield window
                window, held = [], 0
    except DataError:
        if window:
            yield window
        raise
    if window:
        yield window


def one_behind(items: Iterable[Item], pauses: Pauses) -> Iterator[Item]:
    """The same items, each when the next one has been made, or at once at a pause.

    An error comes after all items before it.
    """
    held: deque[Item] = deque()
    try:
        for item in items:
            held.append(item)
            while len(held) > 1 or (held and pauses()):
                yield held.popleft()
    except DataError:
        yield from held
        raise
    yield from held
