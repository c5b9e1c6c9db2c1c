"""Other processes that encode: the same answers in the same order, a bounded number at a time, and none left over."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from unittest import mock

import pytest

from seqtrain.data import workers
from seqtrain.data.encoding import Encoder, Texts
from seqtrain.data.workers import CHUNKS_AHEAD, Workers, usable_processes
from seqtrain.errors import DataError, SeqtrainError
from seqtrain.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer("word", lowercase=True, max_length=9, truncate="middle")
CHUNKS = [[f"Chunk {number} says “naïve”", "", "映画 " * number] for number in range(12)]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that were started, from the first chunk on; none of them may be running at the end."""
    processes: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **settings: object) -> None:
            processes.append(self)
            super().__init__(*arguments, **settings)

    with (
        mock.patch.object(workers, "START_BYTES", 0),
        mock.patch.object(workers.subprocess, "Popen", Recorded),
    ):
        yield processes
    assert all(process.returncode is not None for process in processes)


def encoded(chunks: list[list[str]], processes: int) -> list[list[list[str]]]:
    """For each chunk the words of each text, by the numbers of whoever encoded it."""
    words: dict[int, list[str]] = {}
    answers = []
    with Workers(TOKENIZER, processes) as started:
        for number, (by, answer) in started.encode((Texts.of(chunk), n) for n, chunk in enumerate(chunks)):
            assert number == len(answers), "in their order"
            known = words.setdefault(by, [])
            known += answer.words
            ends = answer.lengths.cumsum()
            rows = zip(ends - answer.lengths, ends, strict=True)
            answers.append([[known[word] for word in answer.numbers[start:end]] for start, end in rows])
    return answers


def expected(chunks: list[list[str]]) -> list[list[list[str]]]:
    return [[TOKENIZER(text) or ["<unk>"] for text in chunk] for chunk in chunks]


def code(extra: str) -> mock._patch[str]:
    """Lets workers do something before they start to work."""
    return mock.patch.object(workers, "_CODE", workers._CODE.replace("main()", f"\n{extra}\nmain()"))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_any_number_of_processes_gives_the_same(started: list[object], processes: int) -> None:
    assert encoded(CHUNKS, processes) == expected(CHUNKS)
    assert len(started) == (processes if processes > 1 else 0)


# A chunk that says so takes longer than those after it.
SLOW = """
import time, seqtrain.data.worker as worker
class Slow(worker.Encoder):
    def __call__(self, texts):
        time.sleep(0.2 if b"slow" in texts.utf8 else 0)
        return super().__call__(texts)
worker.Encoder = Slow
"""
RACE = [["first"], ["slow", "a"], ["b"], ["c"], ["slow", "d"], ["e"]]


@pytest.mark.usefixtures("started")
def test_the_order_is_that_of_the_chunks_not_of_the_answers() -> None:
    with code(SLOW):
        assert encoded(RACE, 2) == expected(RACE)


@pytest.mark.usefixtures("started")
def test_planted_fault_answers_taken_as_they_come() -> None:
    """The test above would see it."""

    class Hasty(deque[object]):
        def popleft(self) -> object:
            return self.pop()

    with mock.patch.object(workers, "deque", Hasty), pytest.raises(AssertionError, match="in their order"):
        encoded(RACE, 2)


@pytest.mark.usefixtures("started")
def test_no_more_is_read_ahead_than_the_processes_need() -> None:
    read = 0

    def chunks() -> Iterator[tuple[Texts, int]]:
        nonlocal read
        for read in range(1, 31):
            yield Texts.of(["a"]), read

    with Workers(TOKENIZER, 2) as both:
        ahead = [read - number for number, _ in both.encode(chunks())]
    assert max(ahead) == CHUNKS_AHEAD * 2 - 1  # and the one that was just handed out
    assert len(ahead) == 30


@pytest.mark.parametrize(("size", "processes"), [(99, 0), (100, 2)])
def test_processes_are_started_when_there_is_much_to_do(
    started: list[object], size: int, processes: int
) -> None:
    with mock.patch.object(workers, "START_BYTES", 100):
        encoded([["x" * (size - 51)], ["y" * 49], ["z"]], 2)
    assert len(started) == processes


def test_none_is_started_for_what_is_done_already(started: list[object]) -> None:
    encoded([["the only chunk"]], 2)
    assert started == []


# What goes wrong.

FATES = {
    "raise SystemExit(3)": "ended with code 3",
    "import os; os.kill(os.getpid(), 9)": "was killed by SIGKILL",
    # In the middle of its work, with half an answer sent.
    """
import os, pickle, seqtrain.data.worker as worker
class Dying(worker.Encoder):
    def __call__(self, texts):
        if b"7" in texts.utf8:
            os.write(1, pickle.dumps(texts)[:-9])
            os.kill(os.getpid(), 9)
        return super().__call__(texts)
worker.Encoder = Dying
""": "was killed by SIGKILL",
}


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("extra", FATES)
def test_a_process_that_ends_too_early_is_told(extra: str) -> None:
    with code(extra), pytest.raises(SeqtrainError) as caught:
        encoded(CHUNKS, 2)
    assert str(caught.value) == (
        f"a process that encodes texts {FATES[extra]}\n"
        "  Is there enough memory? With training.threads: 1 no further process is started."
    )


def test_a_process_that_cannot_be_started_is_told() -> None:
    with (
        mock.patch.object(workers, "START_BYTES", 0),
        mock.patch.object(sys, "executable", "/no/such/python"),
        pytest.raises(SeqtrainError, match=r"cannot be started: .*No such file"),
    ):
        encoded(CHUNKS, 2)


@pytest.mark.parametrize("error", [DataError("damaged"), KeyboardInterrupt(), SystemExit(143)])
def test_an_error_of_the_reader_ends_the_processes(
    started: list[subprocess.Popen[bytes]], error: BaseException
) -> None:
    def chunks() -> Iterator[tuple[Texts, None]]:
        yield from ((Texts.of(chunk), None) for chunk in CHUNKS)
        raise error

    with pytest.raises(type(error)), Workers(TOKENIZER, 2) as both:
        deque(both.encode(chunks()))
    assert len(started) == 2


def test_whoever_goes_away_leaves_no_process(started: list[subprocess.Popen[bytes]]) -> None:
    with Workers(TOKENIZER, 2) as both:
        answers = both.encode((Texts.of(chunk), None) for chunk in CHUNKS)
        list(islice(answers, 3))
        assert [process.poll() for process in started] == [None, None]
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_a_worker_ends_in_silence_with_its_parent() -> None:
    """Its pipes close, also when the parent is killed. Ctrl-C is not for it."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", workers._CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    request = pickle.dumps(Texts.of(["a"]))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pickle.dumps(TOKENIZER) + request)
    process.stdin.flush()
    assert process.stdout.read(1), "it answers"
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    _, said = process.communicate(request + request[:-5], timeout=20)
    assert said == b""


def test_modules_come_from_the_installation_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the folder where the command runs may have any name; so may those of PYTHONPATH."""
    for name in ("array", "json", "numpy", "pickle", "queue", "signal", "linecache", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with mock.patch.object(workers, "START_BYTES", 0):
        assert encoded(CHUNKS, 2) == expected(CHUNKS)


def test_a_worker_imports_little() -> None:
    listing = f"import sys; sys.path += {workers._PACKAGES}; import seqtrain.data.worker; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", listing]
    modules = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "seqtrain.data.encoding" in modules
    assert not modules & {"tensorflow", "pydantic", "yaml", "sklearn", "onnxruntime", "seqtrain.data.reader"}


# How many.


def test_as_many_as_there_are_cores_for_this_process() -> None:
    with mock.patch.object(os, "sched_getaffinity", return_value={0, 5, 6}, create=True):
        assert [usable_processes(threads) for threads in (None, 1, 2, 64)] == [3, 1, 2, 3]


def test_without_affinity_as_many_as_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for cores, processes in [(2, 2), (None, 1), (64, workers.MOST_PROCESSES)]:
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert usable_processes() == processes


def test_the_calling_process_encodes_the_same_way(started: list[object]) -> None:
    """By the class that the others use: there is one way to encode."""
    with mock.patch.object(workers, "Encoder", wraps=Encoder) as encoder:
        encoded(CHUNKS, 1)
    assert encoder.call_count == 1
    assert started == []
