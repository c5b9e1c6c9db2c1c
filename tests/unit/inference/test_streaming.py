"""Windows of a stream: every record, in order, few of them at a time, and none held back while the stream pauses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.errors import DataError
from seqtrain.inference import streaming
from seqtrain.inference.streaming import never, one_behind, windows


class Pipe:
    """Records 0, 1, …, each of which may let its reader wait; what has been answered by then is noted."""

    def __init__(self, waits: list[bool]) -> None:
        self.waits = waits  # whether the next record, or the end, has to be waited for
        self.read = 0
        self.answered: list[int] = []
        self.held_while_waiting: list[int] = []
        self.most_held = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(len(self.waits)):
            yield number
            # Whoever asks for more, after a pause, waits.
            held = self.read - len(self.answered)
            self.most_held = max(self.most_held, held)
            if self.waits[number]:
                self.held_while_waiting.append(held)

    def counted(self) -> Iterator[int]:
        for number in self:
            self.read = number + 1
            yield number

    def pauses(self) -> bool:
        return self.waits[self.read - 1]

    def answer(self, size: int, characters: int = 1) -> list[list[int]]:
        cut = []
        for window in one_behind(
            windows(self.counted(), size, lambda _: characters, self.pauses), self.pauses
        ):
            self.answered += window
            cut.append(window)
        return cut


@given(st.lists(st.booleans()), st.integers(1, 6))
def test_every_record_in_order_and_none_held_back_at_a_pause(waits: list[bool], size: int) -> None:
    pipe = Pipe(waits)
    cut = pipe.answer(size)
    assert pipe.answered == list(range(len(waits)))
    assert all(1 <= len(window) <= size for window in cut)
    assert pipe.held_while_waiting == [0] * sum(waits)
    assert pipe.most_held <= 2 * size


def test_windows_of_a_stream_that_never_pauses_are_full() -> None:
    assert Pipe([False] * 7).answer(3) == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_window_is_given_when_the_next_one_is_there() -> None:
    """That is the time in which it is computed."""
    made: list[int] = []
    assert next(one_behind((made.append(number) or number for number in range(9)), never)) == 0
    assert made == [0, 1]


def test_long_records_make_short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "WINDOW_CHARACTERS", 10)
    assert Pipe([False] * 5).answer(100, characters=5) == [[0, 1], [2, 3], [4]]


@given(st.integers(0, 9), st.integers(1, 4))
def test_an_error_of_the_data_comes_after_all_records_before_it(before: int, size: int) -> None:
    def broken() -> Iterator[int]:
        yield from range(before)
        raise DataError("f:10: not UTF-8")

    answered: list[int] = []
    stream = one_behind(windows(broken(), size, lambda _: 1, never), never)
    with pytest.raises(DataError, match="f:10"):
        list(map(answered.extend, stream))
    assert answered == list(range(before))
