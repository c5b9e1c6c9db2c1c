"""Encodes with all cores: starts processes when there is enough to do, feeds them chunks of texts, and stops them.

They are programs of their own, not forks, which may hang where there are threads, nor made by multiprocessing, which
would import the caller's main module in each of them.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, NamedTuple, TypeVar

import numpy as np

from seqtrain.cores import usable_cores
from seqtrain.data.encoding import Encoded, Encoder, Texts
from seqtrain.errors import SeqtrainError
from seqtrain.text.tokenizer import Tokenizer

START_BYTES = 1 << 22
"""So much of the text is encoded before processes are started: it takes about as long as they need to be of use."""

CHUNKS_AHEAD = 2
"""For each process: the chunk that it works on, and one that waits for it."""

MOST_PROCESSES = 8
"""The process that reads and writes cannot keep more of them busy; of English text, not even half of them."""

_PIPE_BYTES = 1 << 20
_PATIENCE = 10  # seconds, for a process that has closed its output to end
_HINT = "Is there enough memory? With training.threads: 1 no further process is started."

# Nothing but the standard library (-I, -S) and these packages, which come last: no file in the current folder and
# nothing in the environment can stand in for a module.
_PACKAGES = [str(Path(__file__).parents[2]), str(Path(np.__file__).parents[1])]
_CODE = f"import sys; sys.path += {_PACKAGES}; from seqtrain.data.worker import main; main()"

Rest = TypeVar("Rest")


def usable_processes(threads: int | None = None) -> int:
    """How many processes are worth starting: one for each core this one may use, but not more than `threads`."""
    cores = usable_cores()
    return min(threads or cores, cores, MOST_PROCESSES)


class Numbered(NamedTuple):
    """An encoded chunk; by: whose numbers it has, 0 for those of the calling process, from 1 for the others."""

    by: int
    encoded: Encoded


class Workers:
    """Encodes in this process and, if there is much to do, in so many others; if `processes` is 1, in this one alone.

    Made for a with block: no process is left at its end, however it ends.
    """

    def __init__(self, tokenizer: Tokenizer, processes: int) -> None:
        self._tokenizer, self._processes = tokenizer, processes
        self._threads = ThreadPoolExecutor(processes)  # one for each worker, to wait for its answers
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def encode(self, chunks: Iterator[tuple[Texts, Rest]]) -> Iterator[tuple[Rest, Numbered]]:
        """The chunks encoded, in their order, each with what comes along with its texts.

        At most CHUNKS_AHEAD chunks for each process are in memory. Raises SeqtrainError if a process cannot be
        started or ends too early.
        """
        encode, size = None, 0
        for texts, rest in chunks:
            encode = encode or Encoder(self._tokenizer)
            yield rest, Numbered(0, encode(texts))
            size += len(texts.utf8)
            if self._processes > 1 and size >= START_BYTES:
                break
        encode = None  # forgets the words that it has numbered
        yield from self._encode_elsewhere(chunks)

    def _encode_elsewhere(self, chunks: Iterator[tuple[Texts, Rest]]) -> Iterator[tuple[Rest, Numbered]]:
        ahead: deque[tuple[Rest, Future[Numbered]]] = deque()
        for texts, rest in chunks:
            self._start()
            ahead.append((rest, self._threads.submit(self._ask, texts)))
            if len(ahead) == CHUNKS_AHEAD * self._processes:
                rest, future = ahead.popleft()
                yield rest, future.result()
        for rest, future in ahead:
            yield rest, future.result()

    def _start(self) -> None:
        while len(self._workers) < self._processes:
            worker = _Worker(self._tokenizer, number=len(self._workers) + 1)
            self._workers.append(worker)
            self._idle.put(worker)

    def _ask(self, texts: Texts) -> Numbered:
        worker = self._idle.get()
        try:
            return Numbered(worker.number, worker.encode(texts))
        finally:
            self._idle.put(worker)


class _Worker:
    """A process that runs seqtrain.data.worker, for one request at a time."""

    def __init__(self, tokenizer: Tokenizer, number: int) -> None:
        self.number = number
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _CODE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # NumPy's own threads have nothing to do
                start_new_session=True,  # Ctrl-C is for this process, which ends the others
            )
        except OSError as error:
            message = f"a process to encode texts cannot be started: {error}"
            raise SeqtrainError(message, hint=_HINT) from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests: IO[bytes] = self.process.stdin
        self._replies: IO[bytes] = self.process.stdout
        _widen(self._requests)
        _widen(self._replies)
        pickle.dump(tokenizer, self._requests)

    def encode(self, texts: Texts) -> Encoded:
        try:
            pickle.dump(texts, self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()
            encoded: Encoded = pickle.load(self._replies)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            fate = _fate(self.process.wait(_PATIENCE))
            raise SeqtrainError(f"a process that encodes texts {fate}", hint=_HINT) from error
        return encoded

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        with suppress(OSError):  # of what it has not read before it was killed
            self._requests.close()
        self._replies.close()
        self.process.wait()


def _widen(pipe: IO[bytes]) -> None:
    """Lets a pipe take more at once, as far as the system allows: the processes wait for each other less often."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _fate(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
