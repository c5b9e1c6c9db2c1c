"""Signals that end a program, held back until training has reached a point from which it can go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Work that is given up because a signal waits; not an Exception, so that nothing stops it on the way."""


class Interruption:
    """Whether one of SIGNALS has come, and which."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def check(self) -> None:
        """Raises Interrupted if a signal waits."""
        if self.signal is not None:
            raise Interrupted


@contextmanager
def postponed() -> Iterator[Interruption]:
    """Holds back the first of SIGNALS until the end of the block, where it is sent again; the second one acts at once.

    Outside the main thread, where Python takes no signals, nothing is held back.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hold(number: int, frame: FrameType | None) -> None:
        interruption.signal = signal.Signals(number)
        restore()

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, hold)
    try:
        yield interruption
    except Interrupted:
        pass
    finally:
        restore()
    if interruption.signal is not None:
        signal.raise_signal(interruption.signal)
