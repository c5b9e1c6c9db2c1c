"""Probabilities from a model file, by ONNX Runtime and NumPy alone.

Most of what a one-line `seqtrain predict` waits for are the imports of this module, so they are few.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqtrain.data.batching import collate, plan_evaluation
from seqtrain.errors import DataError, RunError
from seqtrain.inference.metadata import HINT, parse_metadata
from seqtrain.text.vocabulary import PAD

if TYPE_CHECKING:
    from seqtrain.data.corpus import Corpus

BATCH_TOKENS = 8192  # positions in one call of the model, padding included
MAX_BATCH = 256
WINDOW_TEXTS = 1024  # texts in memory at a time, sorted by length among themselves
WINDOW_CHARACTERS = 2**22

Ids = NDArray[np.int32]
Probabilities = NDArray[np.float32]
Record = TypeVar("Record")


class Predictor:
    """An opened model file: its labels, vocabulary and tokenizer, and its graph in an ONNX Runtime session.

    The answer for a text depends on that text alone; its company changes no more than the rounding (1e-6).
    """

    def __init__(self, model: bytes | str | Path, *, threads: int | None = None) -> None:
        """Opens the bytes of a model, or the file at a path.

        threads: how many ONNX Runtime may use, None for one per core. Raises RunError for a file that is
        missing or damaged or not a model of seqtrain's.
        """
        self._origin = "the model" if isinstance(model, bytes) else str(model)
        content = _read(model)
        with self._translated_errors():
            self._session = _open_session(content, threads)
        properties = self._session.get_modelmeta().custom_metadata_map
        self.labels, self.vocabulary, self.tokenizer = parse_metadata(properties, self._origin)
        self._check_graph()

    def encode(self, text: str) -> list[int]:
        """The token ids of a text, at least one."""
        return self.vocabulary.encode(self.tokenizer(text))

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """<float32>[texts, classes], in the order of the texts."""
        if isinstance(texts, str):
            raise TypeError("probabilities takes a list of texts; put a single one into a list")
        windows = [
            self._window(texts[start : start + WINDOW_TEXTS]) for start in range(0, len(texts), WINDOW_TEXTS)
        ]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *windows])

    def corpus_probabilities(self, corpus: Corpus) -> Probabilities:
        """<float32>[rows, classes] of a corpus that was encoded with this model's vocabulary."""

        def padded(rows: NDArray[np.int64]) -> tuple[Ids, Ids]:
            batch = collate(corpus, rows)
            return batch.token_ids, batch.lengths

        return self._in_batches(corpus.lengths, padded)

    def stream(
        self, records: Iterable[Record], text: Callable[[Record], str] = str
    ) -> Iterator[tuple[Record, Probabilities]]:
        """Each record with its probabilities <float32>[classes], in order, whatever the number of records.

        text says where a record has its text; without it, records are texts. Memory is bounded by a window of
        records. When reading them ends in a DataError, those before it are answered first.
        """
        for window in _windows(records, text):
            yield from zip(window, self._window([text(record) for record in window]), strict=True)

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

    def _window(self, texts: Sequence[str]) -> Probabilities:
        encoded = [self.encode(text) for text in texts]
        lengths = np.array([len(token_ids) for token_ids in encoded], np.int32)
        return self._in_batches(lengths, lambda rows: _pad([encoded[row] for row in rows], lengths[rows]))

    def _in_batches(
        self, lengths: Ids, padded: Callable[[NDArray[np.int64]], tuple[Ids, Ids]]
    ) -> Probabilities:
        """Runs texts of like length together; padded(rows) gives their token_ids and lengths."""
        result = np.empty((len(lengths), len(self.labels)), np.float32)
        for rows in plan_evaluation(lengths, batch_tokens=BATCH_TOKENS, max_batch=MAX_BATCH):
            result[rows] = self.run(*padded(rows))
        return result

    def _check_graph(self) -> None:
        """Tries the last token of the vocabulary: it must be in the embedding, and give a value per label."""
        last = np.array([[len(self.vocabulary) - 1]], np.int32)
        classes = self.run(last, np.array([1], np.int32)).shape[-1]
        if classes != len(self.labels):
            raise RunError(
                f"{self._origin}: the model has {len(self.labels)} labels and computes {classes} classes",
                hint=HINT,
            )

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # those of onnxruntime share no other base
            message = str(error).partition("\n")[0]
            raise RunError(f"{self._origin}: onnxruntime refuses the model: {message}", hint=HINT) from error


def _read(model: bytes | str | Path) -> bytes:
    if isinstance(model, bytes):
        return model
    try:
        return Path(model).read_bytes()
    except OSError as error:
        raise RunError(f"{model}: the model cannot be read: {error.strerror}", hint=HINT) from error


def _open_session(model: bytes, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal: all else comes as an exception
    options.intra_op_num_threads = threads or 0
    # Waiting threads that spin take 20 ms to start, and then the processor from everybody else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A model file could name other files to read weights from; below this path there are none.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
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
