"""Locks on folders (`flock`): they move along with a folder that is renamed, and end with the process."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

WAITING = fcntl.LOCK_EX
AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB
SHARED = fcntl.LOCK_SH


def lock(folder: Path, how: int) -> int:
    """Locks a folder → the open descriptor that holds the lock; BlockingIOError if another one does, AT_ONCE."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def claim(folder: Path, how: int) -> int:
    """Makes a folder, and those above it, if need be, and locks it like `lock`."""
    while True:
        # Others make, move and delete it at any time: exist_ok would not do.
        with suppress(FileExistsError):
            folder.parent.mkdir(parents=True)
        with suppress(FileNotFoundError):
            with suppress(FileExistsError):
                folder.mkdir()
            descriptor = lock(folder, how)
            if is_at(descriptor, folder):
                return descriptor
            os.close(descriptor)


def is_at(descriptor: int, folder: Path) -> bool:
    """Whether what is locked is what stands there now."""
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
