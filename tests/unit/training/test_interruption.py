"""Signals that are held back; each test sends them to its own process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from seqtrain.training.interruption import SIGNALS, Interruption, postponed

EACH = pytest.mark.parametrize("number", SIGNALS)


class Ended(BaseException):
    """What the handlers of these tests raise."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def end(number: int, frame: object) -> None:
        raise Ended(signal.Signals(number))

    for number in SIGNALS:
        signal.signal(number, end)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def hold(work: Callable[[Interruption], None]) -> None:
    with postponed() as interruption:
        work(interruption)


@EACH
def test_it_acts_at_the_end_of_the_block(number: signal.Signals) -> None:
    seen = []

    def work(interruption: Interruption) -> None:
        signal.raise_signal(number)
        seen.append(interruption.signal)

    with pytest.raises(Ended) as caught:
        hold(work)
    assert seen == [number]
    assert caught.value.args == (number,)


@EACH
def test_work_may_be_given_up_for_it(number: signal.Signals) -> None:
    def work(interruption: Interruption) -> None:
        interruption.check()
        signal.raise_signal(number)
        interruption.check()
        pytest.fail("check has not ended the block")

    with pytest.raises(Ended):
        hold(work)


@EACH
def test_the_second_one_acts_at_once(number: signal.Signals) -> None:
    def work(interruption: Interruption) -> None:
        signal.raise_signal(SIGNALS[0])
        signal.raise_signal(number)
        pytest.fail("the second signal was held back")

    with pytest.raises(Ended):
        hold(work)


def test_an_error_is_not_hidden() -> None:
    def work(interruption: Interruption) -> None:
        signal.raise_signal(signal.SIGINT)
        raise ValueError("disk")

    with pytest.raises(ValueError, match="disk"):
        hold(work)


def test_the_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with postponed():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_is_ignored_stays_ignored() -> None:
    """As under nohup, or in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with postponed() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal is None


def test_another_thread_goes_without() -> None:
    seen = []

    def work() -> None:
        with postponed() as interruption:
            seen.append(interruption.signal)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None]
