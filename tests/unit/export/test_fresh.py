"""Answers from processes that have an export and nothing else: the right ones, or a message that says what failed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from seqtrain.errors import RunError
from seqtrain.export import fresh, keras_model
from seqtrain.export.fresh import Answers, answers
from seqtrain.inference.predictor import Predictor
from seqtrain.verification.texts import nasty_texts, ragged
from tests.cli.command import PATIENCE, python
from tests.onnx_models import LABELS, TOKENIZER, model_bytes
from tests.shapes import Shape
from tests.unit.export.sources import source

WORDS = [b"not bad", b"a joy to watch", b"dull and long !", b"long", b"bad and dull", b"joy", b"watch"]
TEXTS = [*nasty_texts(TOKENIZER).values(), *WORDS]
TOLERANCE = 1e-5  # in a probability, between engines
HEAD = """
import json, os, signal, sys, time
from pathlib import Path
batches = json.load(sys.stdin)
texts = [text.encode("latin-1") for batch in batches for text in batch]
def answer(labels, probabilities):
    print(json.dumps({"labels": labels, "probabilities": probabilities}))
"""


def expected() -> Answers:
    """What the model says to the texts."""
    texts = [text.decode("utf-8", "replace") for text in TEXTS]
    probabilities = Predictor(model_bytes(Shape())).probabilities(texts)
    return Answers([LABELS[column] for column in probabilities.argmax(axis=1)], probabilities)


def agree(found: Answers) -> bool:
    labels, probabilities = expected()
    assert len(np.unique(probabilities.round(4), axis=0)) > 20, "so that the order of the texts matters"
    return found.labels == labels and np.abs(found.probabilities - probabilities).max() < TOLERANCE


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(model_bytes(Shape()))
    return path


def test_a_model_file_answers_in_whatever_batches(model_file: Path) -> None:
    assert agree(answers("onnx_file", model_file, ragged(TEXTS)))
    assert agree(answers("onnx_file", model_file, [TEXTS]))


def test_a_keras_export_answers_after_it_has_been_moved(tmp_path: Path) -> None:
    written, moved = tmp_path / "written", tmp_path / "moved"
    written.mkdir()
    keras_model.write(source(Shape()), written)
    shutil.move(written, moved)
    assert agree(answers("keras_model", moved, ragged(TEXTS)))


def test_a_model_file_needs_no_tensorflow(model_file: Path) -> None:
    script = str(fresh.SCRIPTS / "onnx_file.py")
    done = python("-X", "importtime", script, str(model_file), cwd=model_file.parent, stdin='[["good"]]')
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert done.exit_code == 0
    assert "onnxruntime" in modules
    assert not modules & {"tensorflow", "keras", "sklearn"}


def scripted(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Puts a script in the place of all others, under the name of `planted`."""
    monkeypatch.setattr(fresh, "SCRIPTS", folder)
    (folder / "planted.py").write_text(HEAD + code)


def test_bytes_and_their_order_arrive_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scripted(monkeypatch, tmp_path, "answer([text.hex() for text in texts], [[len(batches)]] * len(texts))")
    texts = [bytes(range(256)), b"", b"\r\n\x00\xff", *TEXTS]
    found = answers("planted", tmp_path, ragged(texts))
    assert [bytes.fromhex(label) for label in found.labels] == texts
    assert set(found.probabilities.flat) == {len(ragged(texts))}


def test_the_process_has_nothing_but_the_export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file in its folder, and the way to the export from wherever it is."""
    scripted(monkeypatch, tmp_path, "assert not os.listdir(); answer(sys.argv[1:], [[0]])")
    monkeypatch.chdir(tmp_path)
    assert answers("planted", Path("model"), [[b""]]).labels == [str(tmp_path / "model")]


FAILURES = {
    "raise ValueError('no such layer\\n  Try another.')": "m: .*: ValueError: no such layer$",
    "sys.exit('the folder is not complete')": "m: .*: the folder is not complete$",
    "sys.exit(3)": "m: .*: it ended with code 3$",
    "os.kill(os.getpid(), signal.SIGKILL)": "m: .*: it was killed by SIGKILL$",
    "print('hello'); answer(['a'], [[1.0]])": "something else than labels",
    "print(json.dumps(['a']))": "something else than labels",
    "print(json.dumps({'labels': ['a']}))": "something else than labels",
    "answer(['a'], [['much']])": "something else than labels",
    "answer(['a', 'a'], [[0.5, 0.5], [0.5]])": "something else than labels",
    "answer(['a'], [0.5])": "one answer for each of 2 texts",
    "answer(['a', 'a'], [0.5, 0.5])": "one answer for each of 2 texts",
    "answer(['a', 'a'], [[0.5, 0.5]])": "one answer for each of 2 texts",
    "answer(['a'], [[0.5, 0.5]] * 2)": "one answer for each of 2 texts",
    "answer(['a'] * 3, [[0.5, 0.5]] * 3)": "one answer for each of 2 texts",
    "answer(['a'] * 2, [[0.5, 0.5], [0.5, float('nan')]])": "no numbers",
}


@pytest.mark.parametrize(("code", "message"), FAILURES.items(), ids=range(len(FAILURES)))
def test_what_goes_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, message: str
) -> None:
    scripted(monkeypatch, tmp_path, code)
    with pytest.raises(RunError, match=message):
        answers("planted", Path("m"), [[b"a"], [b"b"]])


def test_a_damaged_model_file_is_told(model_file: Path) -> None:
    model_file.write_bytes(model_file.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"cannot use the export: seqtrain\.errors\.RunError: .*model\.onnx: "):
        answers("onnx_file", model_file, [[b"good"]])


def test_an_interruption_ends_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **settings: object) -> None:
            super().__init__(*arguments, **settings)
            processes.append(self)

    def interrupt() -> None:
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    scripted(monkeypatch, tmp_path, "Path(sys.argv[1], 'started').touch(); time.sleep(600)")
    monkeypatch.setattr(fresh.subprocess, "Popen", Recorded)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        answers("planted", tmp_path, [[b""]])
    assert processes[0].wait(PATIENCE) == -signal.SIGKILL
