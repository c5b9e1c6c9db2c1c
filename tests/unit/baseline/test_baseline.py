"""The process of the baseline: the figures of `best_on_dev`, out of everybody's way, and never there for longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from seqtrain import baseline
from seqtrain.baseline import Baseline
from seqtrain.baseline.tfidf import best_on_dev
from seqtrain.baseline.worker import LOWEST_PRIORITY
from seqtrain.data.corpora import Corpora
from seqtrain.data.corpus import build_corpora
from seqtrain.data.reader import Example
from seqtrain.errors import SeqtrainError
from seqtrain.text.tokenizer import Tokenizer
from tests.cli.command import PATIENCE
from tests.project import TRAIN
from tests.running import is_running

CLASS_WEIGHTS = [0.5, 1.5]
TOKENIZER = Tokenizer("word", lowercase=True, max_length=9, truncate="middle")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of encoded corpora."""
    rows = [
        Example(text, label, 1 + line % 3, "a.tsv", line + 1)
        for line, (label, text) in enumerate(TRAIN[:200])
    ]
    path = tmp_path / "corpora"
    build_corpora(rows, 0.3, path, TOKENIZER, min_count=1, max_size=50, split_seed=1)
    return path


def result(folder: Path) -> dict[str, object]:
    with Baseline(folder, "log_loss", CLASS_WEIGHTS) as started:
        return started.result()


def before(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the process do something before it begins to work."""
    code = baseline._code()
    monkeypatch.setattr(baseline, "_code", lambda: code.replace("main()", f"\n{extra}\nmain()"))


# What it answers.


def test_the_figures_are_those_of_the_function(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder may get to another place meanwhile; nothing there or in PYTHONPATH stands in for a module."""
    expected = best_on_dev(Corpora.open(folder), "log_loss", CLASS_WEIGHTS)
    for name in ("json", "numpy", "scipy", "sklearn", "joblib", "seqtrain", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Baseline(folder, "log_loss", CLASS_WEIGHTS) as started:
        folder.rename(tmp_path / "elsewhere")
        found = started.result()
    assert 0.1 < found.pop("seconds") < 60
    assert found.pop("per_class").keys() == {"neg", "pos"}
    assert found.pop("confusion_matrix") == expected["confusion_matrix"]
    assert found == pytest.approx({name: expected[name] for name in found})
    assert found.keys() >= {"rows", "accuracy", "log_loss", "c", "features"}


SELF_PORTRAIT = """
import os, sys
from seqtrain.baseline import tfidf
def best_on_dev(corpora, metric, class_weights):
    threads = [os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")]
    oom = open("/proc/self/oom_score_adj").read() if sys.platform == "linux" else "1000"
    said = [metric, class_weights, os.nice(0), threads, int(oom)]
    return {"c": 1, "features": 1, "said": said, "modules": [*sys.modules]}
tfidf.best_on_dev = best_on_dev
"""


def test_it_is_in_nobodys_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before(SELF_PORTRAIT, monkeypatch)
    found = result(folder)
    assert found["said"] == ["log_loss", CLASS_WEIGHTS, LOWEST_PRIORITY, ["1"] * 3, 1000]
    assert not {"tensorflow", "pydantic", "onnxruntime", "numba"} & set(found["modules"])


def test_who_starts_it_imports_nothing_heavy() -> None:
    code = "import sys, seqtrain.baseline; print(*sys.modules)"
    modules = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert "seqtrain.baseline" in modules
    assert not {"numpy", "scipy", "sklearn"} & modules


# When it ends.

SPIN = """
from pathlib import Path
from seqtrain.baseline import tfidf, worker
def best_on_dev(corpora, metric, class_weights):
    Path("spinning").touch()
    while True:
        pass
tfidf.best_on_dev = best_on_dev
"""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), SystemExit(143)])
def test_the_block_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    monkeypatch.setattr(baseline, "_code", lambda: "while True: pass")
    with suppress(KeyboardInterrupt, SystemExit), Baseline(folder, "accuracy", CLASS_WEIGHTS) as started:
        assert started._process is not None
        assert started._process.poll() is None
        if error is not None:
            raise error
    assert started._process.returncode == -signal.SIGKILL


PARENT = """
import sys, time
from pathlib import Path
from seqtrain import baseline
code = baseline._code().replace("main()", "\\n" + sys.argv[2] + "\\nmain()")
baseline._code = lambda: code
started = baseline.Baseline(Path(sys.argv[1]), "accuracy", [1, 1])
print(started._process.pid, flush=True)
time.sleep(600)
"""


def survives(folder: Path, extra: str) -> bool:
    """Whether it is there a second after its parent was killed; Ctrl-C is not for it, it is for the parent."""
    command = [sys.executable, "-c", PARENT, str(folder), SPIN + extra]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        try:
            wait_until((folder / "spinning").exists)
            os.kill(process, signal.SIGINT)
            time.sleep(0.2)
            assert is_running(process)
            parent.kill()
            deadline = time.monotonic() + (1 if extra else PATIENCE)
            while is_running(process) and time.monotonic() < deadline:
                time.sleep(0.02)
            return is_running(process)
        finally:
            parent.kill()
            if is_running(process):
                os.kill(process, signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc that tells of processes")
@pytest.mark.parametrize(("extra", "stays"), [("", False), ("worker._end_with_stdin = lambda: None", True)])
def test_it_ends_with_its_parent(folder: Path, extra: str, stays: bool) -> None:
    """Also when that is killed. The planted fault, a process that does not look after it, is one that stays."""
    assert survives(folder, extra) is stays


# What goes wrong.

FATES = {
    "raise SystemExit(3)": "its process ended with code 3",
    "import os; os.kill(os.getpid(), 9)": "its process was killed by SIGKILL",
    "raise MemoryError": "MemoryError",
    "raise ValueError('one line\\n  and another')": "ValueError: one line",
    "pass": "its process answers with something else than figures",
    "print('hello')": "its process answers with something else than figures",
    "print([1, 2])": "its process answers with something else than figures",
    "print('{\"c\": 1}')": "its process answers with something else than figures",
    'print(\'{"c": 1, "features": 2, "seconds": null}\')': "its process answers with something else than figures",
}


@pytest.mark.parametrize(("code", "message"), FATES.items(), ids=range(len(FATES)))
def test_what_goes_wrong_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    monkeypatch.setattr(baseline, "_code", lambda: code)
    with pytest.raises(SeqtrainError) as caught:
        result(folder)
    assert str(caught.value) == message


def test_damaged_corpora_are_told(folder: Path) -> None:
    (folder / "index.json").unlink()
    with pytest.raises(SeqtrainError, match=r"no whole corpora: .*No such file"):
        result(folder)


@pytest.mark.parametrize("missing", ["python", "folder"])
def test_what_cannot_be_started_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    if missing == "python":
        monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(SeqtrainError, match=r"^its process cannot be started: .*No such file"):
        result(folder if missing == "python" else folder / "missing")
