"""Folders that are slow to make and may be needed again, kept by key as long as there is room.

The entry of a key is the folder `KEY`. Who uses it holds a shared lock on it. Who checks, makes or deletes it holds a
lock on `.KEY.tmp`, which is there no longer than that. Locks end with the process: one that is killed leaves at most a
`.KEY.tmp` that is not locked, and the next user of the cache clears it away.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from seqtrain.errors import SeqtrainError
from seqtrain.run.atomic import move_folder, sync_tree, writing
from seqtrain.run.locks import AT_ONCE, SHARED, WAITING, claim, lock

_KEY = re.compile("[0-9a-f]{8,}")
_ASIDE = re.compile(rf"\.({_KEY.pattern})\.tmp")


class Entry(NamedTuple):
    """path: the folder; reused: whether it was there already, and whole."""

    path: Path
    reused: bool


class FolderCache:
    """Entries in a folder, which is made when there is one: `most_bytes` of them, and more only while they are used."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        # Where a link leads to nothing, the folder is made there.
        self._folder, self._most_bytes = Path(os.path.realpath(folder)), most_bytes

    @contextmanager
    def entry(
        self, key: str, build: Callable[[Path], object], check: Callable[[Path], object]
    ) -> Iterator[Entry]:
        """The entry of a key, a hexadecimal digest; nobody deletes it before the end of the block.

        If it is there it is reused, unless `check` raises OSError, ValueError or an error of the project: then it is
        damaged, and made anew. To make it, `build` fills an empty folder, which gets its place when all is on the disk;
        what it raises is passed on, and nothing stays. Of two processes that want the same entry, one waits while the
        other checks or makes it. Then, as long as all entries together are too large, the one that nobody has begun to
        use for longest is deleted.

        Raises RunError if the cache cannot be written to.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no hexadecimal digest")
        path = self._folder / key
        with ExitStack() as use:
            with ExitStack() as alone:
                with writing(self._folder):
                    aside = alone.enter_context(self._alone(key, WAITING))
                reused = _is_whole(path, check)
                if not reused:
                    _make(path, build, aside)
                use.enter_context(_held(lock(path, SHARED)))
            with writing(path):
                os.utime(path)
            self._tidy()
            yield Entry(path, reused)

    @contextmanager
    def _alone(self, key: str, how: int) -> Iterator[Path]:
        """Keeps others away from a key → an empty folder, which goes at the end with all that is in it."""
        aside = self._folder / f".{key}.tmp"
        with _held(claim(aside, how)):
            try:
                for leftover in aside.iterdir():
                    _delete(leftover)
                yield aside
            finally:
                shutil.rmtree(aside, ignore_errors=True)
                with suppress(OSError):  # which says that the cache is not empty
                    self._folder.rmdir()

    def _tidy(self) -> None:
        """Deletes what killed processes left, and entries as long as all are too large; what it cannot delete stays."""
        for name in os.listdir(self._folder):
            if leftover := _ASIDE.fullmatch(name):
                with suppress(OSError), self._alone(leftover[1], AT_ONCE):
                    pass
        entries = sorted(self._entries())
        excess = sum(size for _, size, _ in entries) - self._most_bytes
        for _, size, path in entries:
            if excess > 0 and self._delete_unused(path):
                excess -= size

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """When each was last used, its bytes and its path."""
        for path in self._folder.iterdir():
            if _KEY.fullmatch(path.name):
                with suppress(FileNotFoundError):  # another process tidies too
                    yield path.lstat().st_mtime_ns, _size(path), path

    def _delete_unused(self, path: Path) -> bool:
        """Deletes an entry unless somebody uses it or looks after it."""
        with (
            suppress(OSError),
            self._alone(path.name, AT_ONCE) as aside,
            _held(lock(path, AT_ONCE)),
        ):
            os.rename(path, aside / "old")  # first, so that a kill leaves no half of an entry
            return True
        return False


def _is_whole(path: Path, check: Callable[[Path], object]) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    try:
        check(path)
    except (OSError, ValueError, SeqtrainError):
        return False
    return True


def _make(path: Path, build: Callable[[Path], object], aside: Path) -> None:
    if os.path.lexists(path):
        os.rename(path, aside / "old")
        _delete(aside / "old")
    new = aside / "new"
    new.mkdir()
    build(new)
    with writing(path):
        sync_tree(new)
        move_folder(new, path)


@contextmanager
def _held(descriptor: int) -> Iterator[None]:
    """A lock for the time of the block."""
    try:
        yield
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _size(folder: Path) -> int:
    return sum(os.lstat(Path(root, name)).st_size for root, _, names in os.walk(folder) for name in names)
