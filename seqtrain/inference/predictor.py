"""Probabilities from a model file, by ONNX Runtime and NumPy alone.

Calls of the model run side by side, one a core, each within its own thread: that is faster than calls one after the
other that share the cores. Meanwhile the next texts are read and encoded. A call is small enough for a core's cache.

Most of what a one-line `seqtrain predict` waits for are the imports of this module, so they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqtrain.cores import usable_cores
from seqtrain.data.batching import collate, plan_evaluation
from seqtrain.errors import DataError, RunError
from seqtrain.inference.graph import LARGEST_MODEL
from seqtrain.inference.metadata import HINT, parse_metadata
from seqtrain.inference.model_file import ModelFile, read_model
from seqtrain.text.vocabulary import PAD, UNK
from seqtrain.untrusted import read_file

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from seqtrain.data.corpus import Corpus

BATCH_TOKENS = 2048  # positions in one call of the model, padding included
MAX_BATCH = 256
WINDOW_TEXTS = 512  # sorted by length among themselves; two windows are in memory at a time
WINDOW_CHARACTERS = 2**21

Ids = NDArray[np.int32]
Probabilities = NDArray[np.float32]
Record = TypeVar("Record")
Item = TypeVar("Item")
Answers = Callable[[], Probabilities]  # waits for them


class Predictor:
    """An opened model file: its labels, vocabulary and tokenizer, and its graph in an ONNX Runtime session.

    The answer for a text depends on that text alone; its company changes no more than the rounding (1e-6).
    """

    def __init__(
        self, model: bytes | str | Path, *, origin: str = "the model", threads: int | None = None
    ) -> None:
        """Opens the bytes of a model, which messages call by their `origin`, or the file at a path.

        threads: how many calls run side by side, None for one per core. Raises RunError for a file that is missing
        or damaged or not a model of seqtrain's.
        """
        self._threads = threads or usable_cores()
        self._origin = origin if isinstance(model, bytes) else str(model)
        content = model if isinstance(model, bytes) else read_file(model, most_bytes=LARGEST_MODEL)
        file = read_model(content, self._origin)
        self.labels, self.vocabulary, self.tokenizer = parse_metadata(file.metadata, self._origin)
        self._check_sizes(file)
        with self._translated_errors():
            self._session = _open_session(content)
        self._try_graph()

    def encode(self, text: str) -> list[int]:
        """The token ids of a text, at least one."""
        return self.vocabulary.encode(self.tokenizer(text))

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """<float32>[texts, classes], in the order of the texts."""
        if isinstance(texts, str):
            raise TypeError("probabilities takes a list of texts; put a single one into a list")
        windows = [answers for _, answers in self._answered(texts, str)]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *windows])

    def corpus_probabilities(self, corpus: Corpus) -> Probabilities:
        """<float32>[rows, classes] of a corpus that was encoded with this model's vocabulary."""

        def padded(rows: NDArray[np.int64]) -> tuple[Ids, Ids]:
            batch = collate(corpus, rows)
            return batch.token_ids, batch.lengths

        with self._side_by_side() as pool:
            return self._begin(pool, corpus.lengths, padded)()

    def stream(
        self, records: Iterable[Record], text: Callable[[Record], str] = str
    ) -> Iterator[tuple[Record, Probabilities]]:
        """Each record with its probabilities <float32>[classes], in order, whatever the number of records.

        text says where a record has its text; without it, records are texts. Memory is bounded by two windows of
        records. When reading them ends in a DataError, those before it are answered first.
        """
        for window, answers in self._answered(records, text):
            yield from zip(window, answers, strict=True)

    def run(self, token_ids: Ids, lengths: Ids) -> Probabilities:
        """One call of the model: token_ids [batch, time], lengths [batch] → <float32>[batch, classes].

        Raises ValueError for a length or an id that the model has not (onnxruntime would answer NaN, or take
        another row, without a word), and RunError if the model answers with something that is no probability.
        """
        if lengths.min() < 1 or lengths.max() > token_ids.shape[1]:
            raise ValueError(f"lengths must be 1 to {token_ids.shape[1]}: {lengths}")
        if token_ids.min() < 0 or token_ids.max() >= len(self.vocabulary):
            raise ValueError(f"token ids must be 0 to {len(self.vocabulary) - 1}")
        inputs = {"token_ids": token_ids, "lengths": lengths}
        with self._translated_errors():
            probabilities: Probabilities = self._session.run(["probabilities"], inputs)[0]
        if not np.isfinite(probabilities).all():
            raise RunError(f"{self._origin}: the model computes NaN: its weights are damaged", hint=HINT)
        return probabilities

    def _answered(
        self, records: Iterable[Record], text: Callable[[Record], str]
    ) -> Iterator[tuple[list[Record], Probabilities]]:
        """Each window of records with its probabilities, which are computed while the next one is read."""
        with self._side_by_side() as pool:
            begun = (
                (window, self._begin_texts(pool, map(text, window))) for window in _windows(records, text)
            )
            for window, answers in _one_behind(begun):
                yield window, answers()

    def _begin_texts(self, pool: Executor, texts: Iterable[str]) -> Answers:
        encoded = [self.encode(text) for text in texts]
        lengths = np.array([len(token_ids) for token_ids in encoded], np.int32)
        return self._begin(pool, lengths, lambda rows: _pad([encoded[row] for row in rows], lengths[rows]))

    def _begin(
        self, pool: Executor, lengths: Ids, padded: Callable[[NDArray[np.int64]], tuple[Ids, Ids]]
    ) -> Answers:
        """Has texts of like length run together; padded(rows) gives their token_ids and lengths."""
        result = np.empty((len(lengths), len(self.labels)), np.float32)

        def answer(rows: NDArray[np.int64]) -> None:
            result[rows] = self.run(*padded(rows))

        plan = plan_evaluation(lengths, batch_tokens=BATCH_TOKENS, max_batch=MAX_BATCH)
        # A single call is made when its answer is asked for, by who asks: starting a thread takes longer.
        calls = (pool.map if len(plan) > 1 else map)(answer, plan)

        def wait() -> Probabilities:
            for _ in calls:
                pass
            return result

        return wait

    @contextmanager
    def _side_by_side(self) -> Iterator[Executor]:
        """Threads for calls of the model; those not begun by the end of the block, after an error, are dropped."""
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self._threads)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _check_sizes(self, file: ModelFile) -> None:
        """RunError unless there are as many labels and words as the arrays are for."""
        counts = {"labels": (len(self.labels), file.classes), "words": (len(self.vocabulary), file.words)}
        for name, (listed, expected) in counts.items():
            if listed != expected:
                problem = f"the model lists {listed:,} {name}, and its arrays are for {expected:,}"
                raise RunError(f"{self._origin}: {problem}", hint=HINT)

    def _try_graph(self) -> None:
        """Weights may be finite and too large to compute with."""
        self.run(np.array([[UNK]], np.int32), np.array([1], np.int32))

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # those of onnxruntime share no other base
            message = str(error).partition("\n")[0]
            raise RunError(f"{self._origin}: onnxruntime refuses the model: {message}", hint=HINT) from error


def _open_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal: all else comes as an exception
    options.intra_op_num_threads = 1  # that of the caller: calls run side by side instead
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _pad(encoded: Sequence[Sequence[int]], lengths: Ids) -> tuple[Ids, Ids]:
    """token_ids <int32>[batch, time] padded on the right, and the lengths."""
    token_ids = np.full((len(encoded), lengths.max()), PAD, np.int32)
    for row, ids in enumerate(encoded):
        token_ids[row, : len(ids)] = ids
    return token_ids, lengths


def _windows(records: Iterable[Record], text: Callable[[Record], str]) -> Iterator[list[Record]]:
    """Cuts a stream into lists of bounded size."""
    window: list[Record] = []
    characters = 0
    try:
        for record in records:
            window.append(record)
            characters += len(text(record))
            if len(window) == WINDOW_TEXTS or characters >= WINDOW_CHARACTERS:
                yield window
                window, characters = [], 0
    except DataError:
        yield window
        raise
    yield window


def _one_behind(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each when the next one has been made; an error comes after all items before it."""
    held: list[Item] = []
    try:
        for item in items:
            held.append(item)
            if len(held) == 2:
                yield held.pop(0)
    except DataError:
        yield from held
        raise
    yield from held
