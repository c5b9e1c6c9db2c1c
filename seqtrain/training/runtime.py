"""Starts TensorFlow quietly, with settings that make runs repeatable, and says what is in force."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Runtime:
    """What the numbers of a run depend on besides its config and data."""

    tensorflow: str
    inter_op_threads: int
    intra_op_threads: int
    onednn: bool
    already_running: bool


def start(threads: int | None, *, side_by_side: int = 2) -> Runtime:
    """Imports TensorFlow with `threads` (None: all the cores this process may use) and returns the settings in force.

    `side_by_side` of the threads run independent operations at the same time, such as the two directions of a
    layer; what is left over goes into the single operation. A TensorFlow that the calling program has already
    imported keeps the settings that it has.
    """
    already_running = "tensorflow" in sys.modules
    if not already_running:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        with _silenced():
            import tensorflow as tf
        cores = threads or _usable_cores()
        inter = min(side_by_side, cores)
        tf.config.threading.set_inter_op_parallelism_threads(inter)
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores // inter))
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


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
