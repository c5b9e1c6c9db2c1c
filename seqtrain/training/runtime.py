"""Starts TensorFlow quietly, with settings that make runs repeatable, and says what is in force."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from seqtrain.cores import physical_cores


@dataclass(frozen=True)
class Runtime:
    """What the numbers of a run depend on besides its config and data."""

    tensorflow: str
    inter_op_threads: int
    intra_op_threads: int
    onednn: bool
    already_running: bool


SIDE_BY_SIDE = 2
"""Operations that run at the same time, such as the gradients of a layer's two directions: measured to be quicker
than one after the other with all threads in each. See docs/performance.md."""


def start(threads: int | None) -> Runtime:
    """Imports TensorFlow with `threads` (None: one a physical core) and returns the settings in force.

    Two operations run side by side, each with half of the threads. A TensorFlow that the calling program has already
    imported keeps the settings that it has.
    """
    already_running = "tensorflow" in sys.modules
    if not already_running:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        with _silenced(), _without_keras():
            import tensorflow as tf
        count = threads or physical_cores()
        side_by_side = min(SIDE_BY_SIDE, count)
        tf.config.threading.set_inter_op_parallelism_threads(side_by_side)
        tf.config.threading.set_intra_op_parallelism_threads(count // side_by_side)
        with _silenced():
            tf.constant(0)  # the devices are set up, and talk about it, with the first tensor
    import tensorflow as tf

    return Runtime(
        tensorflow=tf.__version__,
        inter_op_threads=tf.config.threading.get_inter_op_parallelism_threads(),
        intra_op_threads=tf.config.threading.get_intra_op_parallelism_threads(),
        onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        already_running=already_running,
    )


def give_memory_back() -> None:
    """Returns what has been freed to the system, where the C library would keep it and lets itself be asked (glibc)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def _without_keras() -> Iterator[None]:
    """TensorFlow imports Keras and what Keras imports only for editors' sake, which takes time and 70 MB.

    Asked for the older Keras, which is not installed, it does without; `tf.keras` still works when it is asked for.
    """
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    try:
        yield
    finally:
        del os.environ["TF_USE_LEGACY_KERAS"]
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before


@contextmanager
def _silenced() -> Iterator[None]:
    """Keeps what C++ code writes to file descriptor 2 away from the user, unless the block fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter.seek(0)
            os.write(saved, chatter.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
