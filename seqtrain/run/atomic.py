"""Writing that is whole or not there, whenever the process is killed or the power goes."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqtrain.errors import RunError
from seqtrain.untrusted import open_regular

_OLD = ".old"
_HALVES = re.compile("[\ud800-\udfff]")
_SPACE = "Free some space, or write to another disk."
_PERMISSION = "Choose a folder that you may write to."
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
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


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Replaces a file: yields a temporary one to fill, which takes its place when the block ends well.

    After a crash the file has the old content or the new one. Raises RunError.
    """
    temporary = _temporary(path)
    with writing(path):
        try:
            yield temporary
            sync(temporary)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)


def atomic_write(path: Path, content: bytes) -> None:
    """Replaces a file: after a crash it has the old content or the new one. Raises RunError."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def atomic_link(source: Path, target: Path) -> None:
    """Replaces a file by a link to `source` or, where the file system has none, by a copy; raises RunError.

    For files that are never changed in place. After a crash the target has the old content or the new one.
    """
    with writing(target):
        if target.exists() and target.samefile(source):
            return  # to rename one name of a file to another one would do nothing
    with atomic_file(target) as temporary:
        temporary.unlink(missing_ok=True)  # left by a process that was killed
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def write_json(path: Path, value: Any) -> None:
    """Replaces a file by a value as indented JSON, which has no NaN, no infinity and no half of a surrogate pair.

    Names of files may hold such halves, for bytes that are not UTF-8; they become text like `\\udcff`.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    plain = _HALVES.sub(lambda half: f"\\\\u{ord(half.group()):04x}", text)
    atomic_write(path, f"{plain}\n".encode())


def append(path: Path, text: str) -> None:
    """Adds to the end of a regular file, which is made if need be; OSError for a link, a pipe or a device."""
    with open(open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a", encoding="utf-8") as file:
        file.write(text)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Makes a folder: yields a temporary one to fill, which takes its place when the block ends well.

    After a crash the folder is there with all its files or not at all; where it takes the place of another one,
    `restore_replaced` may have to put that back. Raises RunError.
    """
    temporary = _temporary(path)
    with writing(path):
        if temporary.exists():
            shutil.rmtree(temporary)  # left by a process that was killed
        temporary.mkdir()
        try:
            yield temporary
            sync_tree(temporary)
            _put_in_place(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def restore_replaced(parent: Path) -> None:
    """Ends what a crash left of the replacing of folders in `parent`: of the new one and the old one, one stays."""
    for old in parent.glob(f"*{_OLD}"):
        place = old.with_name(old.name.removesuffix(_OLD))
        if place.exists():
            shutil.rmtree(old)
        else:
            move_folder(old, place)


def _put_in_place(folder: Path, path: Path) -> None:
    old = path.with_name(path.name + _OLD)
    if path.exists():
        move_folder(path, old)  # no system call exchanges two folders everywhere
    move_folder(folder, path)
    if old.exists():
        shutil.rmtree(old)


def move_folder(source: Path, target: Path) -> None:
    """Renames a folder within its parent, for good. target must not exist, or be empty."""
    os.rename(source, target)
    sync(target.parent)


def sync_tree(folder: Path) -> None:
    """Waits until all files below a folder, and their names, are on the disk."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(root, name))
        sync(Path(root))


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
