from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from seqtrain.training.tensorboard import ScalarWriter
from tests.unit.training.event_file import crc32c, events, records, scalars


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("events.out.tfevents.*")
    return path


def test_the_oracle_knows_the_published_check_value() -> None:
    """RFC 3720, B.4 and the catalogue of CRCs: that of "123456789", and of 32 zero bytes."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_the_file_begins_with_its_version(tmp_path: Path) -> None:
    before = time.time()
    ScalarWriter(tmp_path).close()
    event, _ = events(only_file(tmp_path))
    assert event.file_version == "brain.Event:2"
    assert before <= event.wall_time <= time.time()


def test_it_takes_back_what_older_files_say_of_the_steps_to_come(tmp_path: Path) -> None:
    """TensorBoard drops the points from the step of a START event on: purge_orphaned_data in its event_accumulator."""
    ScalarWriter(tmp_path, step=120).close()
    _, event = events(only_file(tmp_path))
    assert (event.step, event.session_log.status) == (121, tf.compat.v1.SessionLog.START)


def test_points_come_back_in_their_order(tmp_path: Path) -> None:
    writer = ScalarWriter(tmp_path)
    writer.add(1, {"train/loss": 0.5, "train/accuracy": 0.25})
    writer.add(2**40, {"dev/größe": -1e30})
    writer.close()
    assert scalars(only_file(tmp_path)) == [
        (1, "train/loss", 0.5),
        (1, "train/accuracy", 0.25),
        (2**40, "dev/größe", pytest.approx(-1e30)),
    ]


def test_tensorflow_reads_the_same_records(tmp_path: Path) -> None:
    """tf.data checks both sums of each record by itself."""
    writer = ScalarWriter(tmp_path)
    writer.add(1, {"train/loss": 0.5})
    writer.close()
    path = only_file(tmp_path)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == list(records(path))


def test_a_point_is_on_the_disk_at_once(tmp_path: Path) -> None:
    writer = ScalarWriter(tmp_path)
    writer.add(3, {"dev/loss": 1.0})
    assert scalars(only_file(tmp_path)) == [(3, "dev/loss", 1.0)]
    writer.close()


def test_the_tensorboard_package_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # importing it fails
    ScalarWriter(tmp_path).add(1, {"dev/loss": 1.0})
    assert scalars(only_file(tmp_path)) == [(1, "dev/loss", 1.0)]
