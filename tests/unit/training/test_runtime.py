from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest
import tensorflow as tf

from seqtrain.training import runtime

STARTS = """
import json, os, sys
from dataclasses import asdict
from seqtrain.training import runtime
first, second = runtime.start(5), runtime.start(1)
import tensorflow as tf
threads = tf.config.threading
in_force = [threads.get_inter_op_parallelism_threads(), threads.get_intra_op_parallelism_threads()]
tf.matmul(tf.ones((2, 2)), tf.ones((2, 2)))
print(json.dumps([asdict(first), asdict(second), in_force]))
"""


def test_it_starts_tensorflow_with_the_threads_asked_for_and_without_a_word() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run([sys.executable, "-c", STARTS], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, in_force = json.loads(done.stdout)
    assert first == {
        "tensorflow": tf.__version__,
        "inter_op_threads": 2,
        "intra_op_threads": 2,  # 5 threads for 2 operations side by side
        "onednn": True,
        "already_running": False,
    }
    assert second == {**first, "already_running": True}, "what runs is kept, and told"
    assert in_force == [2, 2]


def test_a_running_tensorflow_keeps_what_it_has() -> None:
    """Here it runs: this test has imported it."""
    threads = tf.config.threading
    before = threads.get_inter_op_parallelism_threads(), threads.get_intra_op_parallelism_threads()
    environment = dict(os.environ)
    settings = runtime.start(7)
    assert settings.already_running
    assert (settings.inter_op_threads, settings.intra_op_threads) == before
    assert dict(os.environ) == environment


@pytest.mark.parametrize(("value", "onednn"), [(None, True), ("1", True), ("0", False)])
def test_it_records_whether_onednn_is_on(
    monkeypatch: pytest.MonkeyPatch, value: str | None, onednn: bool
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", value)
    assert asdict(runtime.start(None))["onednn"] is onednn


def test_chatter_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with runtime._silenced():
        os.write(2, b"chatter")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_chatter_is_shown_when_the_start_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """Then it may say why."""

    def start() -> None:
        with runtime._silenced():
            os.write(2, b"no such instruction")
            raise ImportError

    with pytest.raises(ImportError):
        start()
    os.write(2, b", after")
    assert capfd.readouterr().err == "no such instruction, after"
