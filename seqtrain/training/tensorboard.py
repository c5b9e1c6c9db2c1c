"""Scalars for TensorBoard, written as Event records; the tensorboard package is not needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class ScalarWriter:
    """Appends scalars to one `events.out.tfevents` file of a folder."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{int(time.time())}.seqtrain"))
        self._write(tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes one point of each curve, named like "dev/accuracy"; the step counts from 1."""
        values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(
            tf.compat.v1.Event(wall_time=time.time(), step=step, summary=tf.compat.v1.Summary(value=values))
        )
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _write(self, event: tf.compat.v1.Event) -> None:
        self._writer.write(event.SerializeToString())
