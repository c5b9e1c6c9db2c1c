"""Writing that is whole or not there, whenever the process is killed or the power goes."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqtrain.errors import RunError

_SPACE = "Free some space, or write to another disk."
_PERMISSION = "Choose a folder that you may write to."
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _PERMISSION,
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system says while `path` is written into a RunError with a remedy."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Choose another folder.")
        raise RunError(f"{path}: cannot be written: {error.strerror or error}", hint=remedy) from error


def atomic_write(path: Path, content: bytes) -> None:
    """Replaces a file: after a crash it has the old content or the new one. Raises RunError."""
    temporary = _temporary(path)
    with writing(path):
        try:
            temporary.write_bytes(content)
            _sync(temporary)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Replaces a file by a value as indented JSON, which has no NaN and no infinity."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_write(path, f"{text}\n".encode())


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Makes a folder: yields a temporary one to fill, which takes its place when the block ends well.

    After a crash the folder is there with all its files or not at all. Raises RunError, also if `path` is there
    already and has something in it.
    """
    temporary = _temporary(path)
    with writing(path):
        if temporary.exists():
            shutil.rmtree(temporary)  # left by a process that was killed
        temporary.mkdir()
        try:
            yield temporary
            sync_tree(temporary)
            os.rename(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync(path.parent)


def move_folder(source: Path, target: Path) -> None:
    """Renames a folder within its parent, for good. target must not exist, or be empty."""
    os.rename(source, target)
    _sync(target.parent)


def sync_tree(folder: Path) -> None:
    """Waits until all files below a folder, and their names, are on the disk."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync(Path(root, name))
        _sync(Path(root))


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
