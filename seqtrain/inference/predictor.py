"""Probabilities from a model file, by ONNX Runtime and NumPy alone.

Calls of the model run side by side, one a core, each within its own thread: that is faster than calls one after the
other that share the cores. Meanwhile the next texts are read and encoded. A call is small enough for a core's cache.

Most of what a one-line `seqtrain predict` waits for are the imports of this module, so they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqtrain.cores import usable_cores
from seqtrain.data.batching import collate, pad, plan_evaluation
from seqtrain.errors import RunError
from seqtrain.inference.graph import LARGEST_MODEL
from seqtrain.inference.metadata import HINT, parse_metadata
from seqtrain.inference.model_file import ModelFile, StrangeModel, read_any_model, read_model
from seqtrain.inference.session import open_session
from seqtrain.inference.streaming import WINDOW_TEXTS, Pauses, never, one_behind, windows
from seqtrain.text.vocabulary import UNK
from seqtrain.untrusted import read_file

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from seqtrain.data.corpus import Corpus

BATCH_TOKENS = 1536  # positions in one call of the model, padding included
MAX_BATCH = 256
PROBABILITIES, BEFORE = "probabilities", "uncalibrated"  # outputs of the graph

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]
Record = TypeVar("Record")
Answers = Callable[[], Floats]  # waits for them: [outputs, texts, classes]


class Predictor:
    """An opened model file: its labels, vocabulary, tokenizer and decision, and its graph in an ONNX Runtime session.

    The answer for a text depends on that text alone; its company changes no more than the rounding (1e-6).
    """

    def __init__(
        self,
        model: bytes | str | Path,
        *,
        origin: str = "the model",
        threads: int | None = None,
        strict: bool = True,
    ) -> None:
        """Opens the bytes of a model, which messages call by their `origin`, or the file at a path.

        threads: how many calls run side by side, None for one per core. strict: False also takes a graph of plain
        operators that this release does not build; `strict_problem` then says why others refuse it. Raises RunError for
        a file that is missing or damaged or not a model of seqtrain's.
        """
        self._threads = threads or usable_cores()
        self._origin = origin if isinstance(model, bytes) else str(model)
        content = model if isinstance(model, bytes) else read_file(model, most_bytes=LARGEST_MODEL)
        file = read_model(content, self._origin) if strict else read_any_model(content, self._origin)
        parsed = parse_metadata(file.metadata, self._origin)
        self.labels, self.vocabulary, self.tokenizer, self.card, self.decision = parsed
        self.strict_problem = file.problem if isinstance(file, StrangeModel) else self._size_problem(file)
        if self.strict_problem and strict:
            raise RunError(f"{self._origin}: {self.strict_problem}", hint=HINT)
        with self._translated_errors():
            self._session = open_session(content)
        self._try_graph()

    @property
    def threshold(self) -> float | None:
        """From which probability on the second of two labels is the answer; None: the most probable one is."""
        return None if self.decision is None else self.decision.threshold

    @property
    def outputs(self) -> tuple[str, ...]:
        """Those that metrics are made of: `uncalibrated` beside the probabilities, unless a strange graph lacks it."""
        names = [output.name for output in self._session.get_outputs()]
        return (PROBABILITIES, BEFORE) if BEFORE in names else (PROBABILITIES,)

    def encode(self, text: str) -> list[int]:
        """The token ids of a text, at least one."""
        return self.vocabulary.encode(self.tokenizer(text))

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """<float32>[texts, classes], in the order of the texts."""
        if isinstance(texts, str):
            raise TypeError("probabilities takes a list of texts; put a single one into a list")
        answers = [probabilities for _, (probabilities,) in self.windows(texts)]
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *answers])

    def corpus_probabilities(self, corpus: Corpus) -> Floats:
        """<float32>[rows, classes] of a corpus that was encoded with this model's vocabulary."""
        probabilities: Floats = self.corpus_outputs(corpus, (PROBABILITIES,))[0]
        return probabilities

    def corpus_outputs(self, corpus: Corpus, outputs: Sequence[str]) -> Floats:
        """<float32>[outputs, rows, classes] of such a corpus."""

        def padded(rows: NDArray[np.int64]) -> tuple[Ids, Ids]:
            batch = collate(corpus, rows)
            return batch.token_ids, batch.lengths

        with self._side_by_side() as pool:
            return self._begin(pool, outputs, corpus.lengths, padded)()

    def stream(
        self, records: Iterable[Record], text: Callable[[Record], str] = str
    ) -> Iterator[tuple[Record, Floats]]:
        """Each record with its probabilities <float32>[classes], in order; as `windows`, which says more."""
        for window, (probabilities,) in self.windows(records, text):
            yield from zip(window, probabilities, strict=True)

    def windows(
        self,
        records: Iterable[Record],
        text: Callable[[Record], str] = str,
        *,
        size: int | None = None,
        characters: Callable[[Record], int] | None = None,
        pauses: Pauses = never,
        outputs: Sequence[str] = (PROBABILITIES,),
    ) -> Generator[tuple[list[Record], Floats]]:
        """Records in lists of at most `size` with outputs of the model <float32>[outputs, records, classes], in order.

        text says where a record has its text; without it, records are texts. characters: how much memory a record
        takes, as far as it is not its text alone. Memory is bounded by two windows. A window is computed while the
        next one is read, but when `pauses` says that the next record has not arrived, those that have are answered.
        When reading them ends in a DataError, those before it are answered first.
        """
        size, characters = size or WINDOW_TEXTS, characters or (lambda record: len(text(record)))
        with self._side_by_side() as pool:
            begun = (
                (window, self._begin_texts(pool, outputs, map(text, window)))
                for window in windows(records, size, characters, pauses)
            )
            for window, answers in one_behind(begun, pauses):
                yield window, answers()

    def run(self, token_ids: Ids, lengths: Ids) -> Floats:
        """The probabilities <float32>[batch, classes]; as `call`."""
        return self.call(token_ids, lengths, (PROBABILITIES,))[0]

    def call(self, token_ids: Ids, lengths: Ids, outputs: Sequence[str]) -> list[Floats]:
        """One call of the model: token_ids [batch, time], lengths [batch] → <float32>[batch, classes] of each output.

        Raises ValueError for a length or an id that the model has not (onnxruntime would answer NaN, or take
        another row, without a word), and RunError if the model answers with something that is no number.
        """
        if lengths.min() < 1 or lengths.max() > token_ids.shape[1]:
            raise ValueError(f"lengths must be 1 to {token_ids.shape[1]}: {lengths}")
        if token_ids.min() < 0 or token_ids.max() >= len(self.vocabulary):
            raise ValueError(f"token ids must be 0 to {len(self.vocabulary) - 1}")
        inputs = {"token_ids": token_ids, "lengths": lengths}
        with self._translated_errors():
            answers: list[Floats] = self._session.run(outputs, inputs)
        if not all(np.isfinite(answer).all() for answer in answers):
            raise RunError(f"{self._origin}: the model computes NaN: its weights are damaged", hint=HINT)
        return answers

    def _begin_texts(self, pool: Executor, outputs: Sequence[str], texts: Iterable[str]) -> Answers:
        encoded = [self.encode(text) for text in texts]
        lengths = np.array([len(token_ids) for token_ids in encoded], np.int32)
        return self._begin(pool, outputs, lengths, lambda rows: pad([encoded[row] for row in rows]))

    def _begin(
        self,
        pool: Executor,
        outputs: Sequence[str],
        lengths: Ids,
        padded: Callable[[NDArray[np.int64]], tuple[Ids, Ids]],
    ) -> Answers:
        """Has texts of like length run together; padded(rows) gives their token_ids and lengths."""
        result = np.empty((len(outputs), len(lengths), len(self.labels)), np.float32)

        def answer(rows: NDArray[np.int64]) -> None:
            result[:, rows] = self.call(*padded(rows), outputs)

        plan = plan_evaluation(lengths, batch_tokens=BATCH_TOKENS, max_batch=MAX_BATCH)
        # A single call is made when its answer is asked for, by who asks: starting a thread takes longer.
        calls = (pool.map if len(plan) > 1 else map)(answer, plan)

        def wait() -> Floats:
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

    def _size_problem(self, file: ModelFile) -> str:
        """What is wrong unless there are as many labels and words as the arrays are for."""
        counts = {"labels": (len(self.labels), file.classes), "words": (len(self.vocabulary), file.words)}
        for name, (listed, expected) in counts.items():
            if listed != expected:
                return f"the model lists {listed:,} {name}, and its arrays are for {expected:,}"
        return ""

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
