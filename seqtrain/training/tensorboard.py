"""Scalars for TensorBoard, written as Event records; the tensorboard package is not needed."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf


class ScalarWriter:
    """Appends scalars to one `events.out.tfevents` file of a folder; raises OSError."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        """Whatever other files of the folder say of later steps than `step` does not count any more."""
        with _io_errors():
            self._writer = tf.io.TFRecordWriter(
                str(folder / f"events.out.tfevents.{time.time_ns()}.seqtrain")
            )
        self._write(tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        self._write(tf.compat.v1.Event(wall_time=time.time(), step=step + 1, session_log=start))

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes one point of each curve, named like "dev/accuracy"; the step counts from 1."""
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(
            tf.compat.v1.Event(wall_time=time.time(), step=step, summary=tf.compat.v1.Summary(value=values))
        )
        with _io_errors():
            self._writer.flush()

    def close(self) -> None:
        with _io_errors():
            self._writer.close()

    def _write(self, event: tf.compat.v1.Event) -> None:
        with _io_errors():
            self._writer.write(event.SerializeToString())


@contextmanager
def _io_errors() -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        code = errno.ENOSPC if isinstance(error, tf.errors.ResourceExhaustedError) else errno.EIO
        raise OSError(code, error.message) from error
