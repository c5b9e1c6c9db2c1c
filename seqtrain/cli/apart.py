"""A command in a process of its own, which gets the signals of this one and ends when this one does.

It is a program, not a fork, which may hang where there are threads.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from seqtrain.errors import RunError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CODE = "import sys; sys.path[:] = {path!r}; from seqtrain.cli.apart import main; main()"


def run_apart(arguments: Sequence[str]) -> int:
    """The exit code of `seqtrain ARGUMENTS`, which speaks on the same standard error; its standard output is lost.

    A signal is for the other process. It acts on this one, too, unless the other one has answered it by an exit code.
    RunError if the other process is killed.
    """
    command = [sys.executable, "-c", _CODE.format(path=sys.path), sys.argv[0], *arguments]
    process: subprocess.Popen[bytes] | None = None
    sent: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        sent.append(number)
        if process is not None:
            process.send_signal(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, forward)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # it ends with this process: see `main`
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # or Ctrl-C would reach it twice
        )
        for early in sent:
            process.send_signal(early)
        code = process.wait()
    except OSError as error:
        raise RunError(f"a process cannot be started: {error}", hint="Is there enough memory?") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if process is not None:
            process.kill()
            process.communicate()
    if sent and code <= 0:
        signal.raise_signal(sent[0])
    if code < 0:
        name = signal.Signals(-code).name
        raise RunError(
            f"the process of `seqtrain {arguments[0]}` was killed by {name}", hint="Is there enough memory?"
        )
    return code


def main() -> None:
    """The other process: the command line, as long as nobody closes the other end of standard input."""
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    from seqtrain.cli import main as command_line

    del sys.argv[0]  # "-c"
    command_line()


def _end_with_the_other() -> None:
    os.read(0, 1)  # nothing is ever written there
    os.kill(os.getpid(), signal.SIGKILL)
