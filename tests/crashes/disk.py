"""A model of a disk, by which to tell what a power loss may leave at each moment of a recorded program.

What is on the disk for certain is what an `fsync` has confirmed. The rest may be there or not:

- The content of a file that has changed since its last `fsync` is the new one, the one before, the first half of the
  new one, or nothing.
- The names in a folder (of what was made, renamed or deleted) have changed in order up to some moment since the
  `fsync` of that folder. What one call does to one folder, such as a renaming, happens as a whole; names that were made
  between two calls come in any order. How far one folder has got says nothing about another one, nor about content.

This is less than real file systems promise, and what POSIX asks for. A program is recorded by looking at the whole
folder before and after each call that renames, deletes, makes folders or syncs. What has changed between two calls is
what was written there, by whatever means.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

CALLS = ("rename", "replace", "unlink", "remove", "rmdir", "mkdir")

Names = dict[str, int]  # name → what it stands for
Change = dict[str, int | None]  # likewise; None: the name is deleted
State = dict[str, bytes | None]  # path → the content of a file, None for a folder; folders come first
Choose = Callable[[list[Any]], list[Any]]


@dataclass
class _File:
    content: bytes = b""
    certain: bytes = b""

    def possible(self) -> list[bytes]:
        """What it may hold after a power loss."""
        if self.content == self.certain:
            return [self.certain]
        return list(dict.fromkeys([self.content, self.certain, self.content[: len(self.content) // 2], b""]))


@dataclass
class _Folder:
    certain: Names = field(default_factory=dict)
    changes: list[list[Change]] = field(default_factory=list)  # in order, but for those in one list

    def possible(self) -> list[Names]:
        """The names that it may have after a power loss; those that it has come last."""
        names = [self.certain]
        for together in self.changes:
            names += [_changed(names[-1], some) for some in _subsets(together)]
        return names


class Disk:
    """What is certain and what is not, of everything below a folder."""

    def __init__(self, root: Path) -> None:
        """Everything that is there already is certain."""
        self._root = root
        self._nodes: dict[int, _File | _Folder] = {}
        self._numbers: dict[int, int] = {}  # inode → node; an inode that is free is used again
        self._new = itertools.count()
        self._lock = threading.RLock()
        self._look()
        for inode in list(self._numbers):
            self._sync(inode)

    @contextmanager
    def recording(self, moment: Callable[[Disk], None]) -> Iterator[None]:
        """Follows what the block does; moment: is called after each of its calls."""
        real = {name: getattr(os, name) for name in (*CALLS, "fsync")}

        def followed(name: str) -> Callable[..., object]:
            def call(*arguments: object, **keywords: object) -> object:
                with self._lock:
                    self._look()
                    result = real[name](*arguments, **keywords)
                    self._look(at_once=True)
                    if name == "fsync":
                        self._sync(os.fstat(arguments[0]).st_ino)  # type: ignore[arg-type]
                    moment(self)
                    return result

            return call

        with patch.multiple(os, **{name: followed(name) for name in real}):
            yield

    def possible(self, choose: Choose = lambda options: options) -> Iterator[State]:
        """All that may be there after a power loss now.

        choose: of what each folder and each file may have come to. The first one is what is certain of a folder, and
        all of a file; the last one is all of a folder, and for a file that has changed nothing.
        """
        return self._possible(self._numbers[self._root.stat().st_ino], "", choose)

    def _possible(self, number: int, path: str, choose: Choose) -> Iterator[State]:
        node = self._nodes[number]
        if isinstance(node, _File):
            yield from ({path: content} for content in choose(node.possible()))
            return
        for names in choose(node.possible()):
            below = [list(self._possible(child, f"{path}/{name}", choose)) for name, child in names.items()]
            for parts in itertools.product(*below):
                yield {path: None} | {name: content for part in parts for name, content in part.items()}

    def _sync(self, inode: int) -> None:
        node = self._nodes[self._numbers[inode]]
        if isinstance(node, _File):
            node.certain = node.content
        else:
            node.certain, node.changes = node.possible()[-1], []

    def _look(self, *, at_once: bool = False) -> None:
        """Takes in what has changed; at_once: by one call, so that the changes to a folder are one."""
        now = dict(_looked(self._root))
        self._numbers = {inode: number for inode, number in self._numbers.items() if inode in now}
        for inode, held in now.items():
            if inode not in self._numbers:
                self._numbers[inode] = next(self._new)
                self._nodes[self._numbers[inode]] = _File() if isinstance(held, bytes) else _Folder()
        for inode, held in now.items():
            node = self._nodes[self._numbers[inode]]
            if isinstance(node, _File):
                assert isinstance(held, bytes)
                node.content = held
            else:
                assert isinstance(held, dict)
                node.changes += self._changes(node, held, at_once)

    def _changes(self, folder: _Folder, now: Names, at_once: bool) -> list[list[Change]]:
        before = folder.possible()[-1]
        after = {name: self._numbers[inode] for name, inode in now.items()}
        change: Change = {
            name: after.get(name) for name in [*before, *after] if before.get(name) != after.get(name)
        }
        if not change:
            return []
        return [[change] if at_once else [{name: number} for name, number in change.items()]]


def _changed(names: Names, changes: tuple[Change, ...]) -> Names:
    merged: Change = dict(names)
    for change in changes:
        merged |= change
    return {name: number for name, number in merged.items() if number is not None}


def _subsets(changes: list[Change]) -> Iterator[tuple[Change, ...]]:
    """Those that are not empty; all of them come last."""
    for size in range(1, len(changes) + 1):
        yield from itertools.combinations(changes, size)


def _looked(folder: Path) -> Iterator[tuple[int, Names | bytes]]:
    """What is in a folder and all below."""
    entries = sorted(folder.iterdir())
    yield folder.stat().st_ino, {entry.name: entry.stat().st_ino for entry in entries}
    for entry in entries:
        if entry.is_dir():
            yield from _looked(entry)
        else:
            yield entry.stat().st_ino, entry.read_bytes()


def write(folder: Path, state: State) -> None:
    """Makes a folder of what a power loss has left."""
    for path, content in state.items():
        if content is None:
            Path(f"{folder}{path}").mkdir()
        else:
            Path(f"{folder}{path}").write_bytes(content)
