"""A process that encodes for another one: chunks of texts come in at stdin, and go out encoded at stdout.

It ends when its stdin does, which is also what it sees when the other process is killed.
"""

from __future__ import annotations

import os
import pickle
import signal
from typing import IO, Any

from seqtrain.data.encoding import Encoder
from seqtrain.text.tokenizer import Tokenizer


def main() -> None:
    """Reads a Tokenizer and then Texts, and answers each of them with an Encoded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    with open(0, "rb") as requests, open(1, "wb") as replies:
        try:
            _serve(requests, replies)
        except BrokenPipeError:
            os._exit(1)  # nobody reads on, not even what an exit as usual would try to write


def _serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    tokenizer: Tokenizer | None = _received(requests)
    if tokenizer is None:
        return
    encode = Encoder(tokenizer)
    while (texts := _received(requests)) is not None:
        pickle.dump(encode(texts), replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()


def _received(requests: IO[bytes]) -> Any:
    """The next object; None if there is none, or not all of it, because the other process has ended."""
    try:
        return pickle.load(requests)
    except (EOFError, pickle.UnpicklingError):
        return None
