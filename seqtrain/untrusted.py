"""How files that may come from strangers are read: ordinary files of bounded size, and JSON that means one thing."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from seqtrain.errors import RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 1 << 18  # numbers looked at together
HINT = "Copy it again from where it was made, or make it again with `seqtrain fit`."
# A link could lead anywhere; and who opens a pipe without O_NONBLOCK waits for its other end.
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST_CONTAINERS = 1 << 18
"""Lists and objects of a JSON text: a pair of brackets takes forty times its size in memory."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_file(path: str | Path, *, most_bytes: int) -> bytes:
    """The content of a regular file of at most so many bytes; RunError for anything else."""
    with opened(path) as (file, size):
        if size > most_bytes:
            raise unreadable(path, f"it has {size:,} bytes, more than {most_bytes:,}")
        content = file.read(size + 1)
    if len(content) != size:
        raise unreadable(path, "it changes while it is read")
    return content


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file and its size in bytes. RunError for a link, a folder, a pipe or a device, and for an OSError."""
    try:
        with open(open_regular(path, os.O_RDONLY), "rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        link = error.errno == errno.ELOOP
        raise unreadable(path, "it is a symbolic link" if link else str(error.strerror)) from error


def open_regular(path: str | Path, flags: int) -> int:
    """Opens a regular file, with flags as `os.open` has them → its descriptor. OSError for what is no such file."""
    descriptor = os.open(path, flags | _FLAGS, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return descriptor


def parse_json(content: bytes, origin: str) -> Any:
    """The value of a JSON text in UTF-8.

    RunError, naming the origin, for a key twice in an object, for numbers that are not finite or have thousands of
    digits, for half of a surrogate pair, for nesting beyond Python's stack, for brackets without end (those in texts
    count too) and for what is no JSON.
    """
    if content.count(b"[") + content.count(b"{") > MOST_CONTAINERS:
        raise damaged(origin, f"it has more than {MOST_CONTAINERS:,} brackets")
    try:
        text = content.decode()
        value = json.loads(text, object_pairs_hook=_unique_keys, parse_float=_finite, parse_constant=_finite)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise damaged(origin, str(error)) from error
    return value


def all_finite(numbers: NDArray[Any]) -> bool:
    """Whether there is no NaN and no infinity, in whatever shape; looked at in blocks, for the sake of memory."""
    import numpy as np  # here, because whoever looks for a run does without

    flat = numbers.reshape(-1)
    return all(bool(np.isfinite(flat[start : start + BLOCK]).all()) for start in range(0, flat.size, BLOCK))


def unreadable(path: str | Path, reason: str) -> RunError:
    return RunError(f"{path}: cannot be read: {reason}", hint=HINT)


def damaged(origin: str | Path, reason: str) -> RunError:
    return RunError(f"{origin}: is damaged: {reason}", hint=HINT)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("an object has a key twice")
    return value


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is not a finite number")
    return value
