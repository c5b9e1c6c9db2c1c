"""What `seqtrain predict` is measured by: the shortest loop over ONNX Runtime that answers the texts of a file.

    python onnx_predict.py MODEL.onnx TEXTS.txt [--batch-tokens 1536] [--side-by-side 2] [--threads 1] > ANSWERS

A thread reads and tokenizes ahead, by seqtrain.text, and makes batches of texts of like length out of 512 at a time.
The model is called one batch after the other, each on so many threads, or several of them side by side.
It takes a good file for granted: one text a line, nothing checked, nothing told. Answers are as `predict` writes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import UNK

WINDOW, MAX_BATCH, AHEAD = 512, 256, 4
Batch = tuple[NDArray[np.int64], dict[str, NDArray[np.int32]]]  # places in the window, inputs of the model


def main() -> None:
    parser = argparse.ArgumentParser(description="Answer texts by a bare ONNX Runtime loop.")
    parser.add_argument("model", type=Path, help="model.onnx of a run")
    parser.add_argument("texts", type=Path, help="one a line")
    parser.add_argument("--batch-tokens", type=int, default=1536, help="positions of a batch (1536)")
    parser.add_argument("--side-by-side", type=int, default=2, help="calls of the model at a time (2)")
    parser.add_argument("--threads", type=int, default=1, help="threads of a call (1)")
    options = parser.parse_args()
    session = opened(options.model, options.threads)
    facts = json.loads(session.get_modelmeta().custom_metadata_map["seqtrain"])
    windows: Queue[list[Batch] | None] = Queue(AHEAD)
    work = (options.texts, encoder(facts), options.batch_tokens, windows)
    Thread(target=tokenize, args=work, daemon=True).start()
    with ThreadPoolExecutor(options.side_by_side) as pool:
        for probabilities in answered(session, windows, pool):
            best = probabilities.argmax(axis=1).tolist()
            pairs = zip(best, probabilities.max(axis=1).tolist(), strict=True)
            sys.stdout.write("".join(f"{facts['labels'][label]}\t{value:.4f}\n" for label, value in pairs))


def opened(model: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def encoder(facts: dict[str, Any]) -> Callable[[str], list[int]]:
    tokenizer = Tokenizer.from_rule(facts["tokenizer"])
    ids = {token: number for number, token in enumerate(facts["vocabulary"])}
    return lambda text: [ids.get(token, UNK) for token in tokenizer(text)] or [UNK]


def tokenize(
    texts: Path, encode: Callable[[str], list[int]], batch_tokens: int, windows: Queue[list[Batch] | None]
) -> None:
    window: list[list[int]] = []
    with texts.open("rb") as lines:
        for line in lines:
            window.append(encode(line.decode()))
            if len(window) == WINDOW:
                windows.put(list(batches(window, batch_tokens)))
                window = []
    if window:
        windows.put(list(batches(window, batch_tokens)))
    windows.put(None)


def batches(window: list[list[int]], batch_tokens: int) -> Iterator[Batch]:
    """The longest first, so that the first of a batch says how many fit."""
    lengths = np.array(list(map(len, window)), np.int32)
    order = np.argsort(-lengths, kind="stable")
    while len(order):
        longest = int(lengths[order[0]])
        rows, order = np.split(order, [max(1, min(MAX_BATCH, batch_tokens // longest))])
        token_ids = np.zeros((len(rows), longest), np.int32)
        for place, row in enumerate(rows):
            token_ids[place, : lengths[row]] = window[row]
        yield rows, {"token_ids": token_ids, "lengths": lengths[rows]}


def answered(
    session: onnxruntime.InferenceSession, windows: Queue[list[Batch] | None], pool: ThreadPoolExecutor
) -> Iterator[NDArray[np.float32]]:
    """The probabilities of each window, one window behind the one that the model works on."""
    begun: deque[tuple[list[Batch], list[Future[list[NDArray[np.float32]]]]]] = deque()
    for window in iter(windows.get, None):
        calls = [pool.submit(session.run, ["probabilities"], inputs) for _, inputs in window]
        begun.append((window, calls))
        if len(begun) == 2:
            yield gathered(*begun.popleft())
    while begun:
        yield gathered(*begun.popleft())


def gathered(window: list[Batch], calls: list[Future[list[NDArray[np.float32]]]]) -> NDArray[np.float32]:
    rows = np.concatenate([rows for rows, _ in window])
    answers = np.concatenate([call.result()[0] for call in calls])
    return answers[np.argsort(rows)]


if __name__ == "__main__":
    main()
