"""A folder that is built aside, under a lock, and put in its place when it is good enough.

`runs/reviews` is built as `runs/.reviews.new`; while the two change places, what stood there is
`runs/.reviews.old`. The lock is on the folder itself: it moves along, and ends with the process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from seqtrain.errors import RunError
from seqtrain.run.atomic import move_folder, sync, sync_tree, writing
from seqtrain.run.locks import AT_ONCE, claim, is_at, lock


class Staging:
    """The folder being built for `place`, which no other process builds at the same time."""

    def __init__(self, place: Path, goes_on: Callable[[Path], bool] = lambda folder: False) -> None:
        """Makes the folder, empty; what crashed processes left for this place is cleared away or put back.

        goes_on: says of a folder that a process has left whether to go on with it, be it the one built aside or, if
        there is none, what stands in its place already.

        Raises RunError if another process builds for this place, or has built what stands there and still runs.
        """
        self.place, self._aside = place, _beside(place, "new")
        self._lock: int | None = None
        self._was_promoted = False  # known for good only when the lock is given up
        with writing(place):
            self._made = [folder for folder in place.parents if not folder.exists()]
            place.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _claim(self._aside, place)
            try:
                for folder in (self._aside, *self._made):
                    sync(folder.parent)  # a crash could take the name, and with it all that is below
                _refuse_if_locked(place)
                _recover(place)
                if not goes_on(self._aside):
                    self.clear()
                    if goes_on(place):
                        self._take_place()
            except BaseException:
                self.close(keep=_holds_anything(self._aside))
                raise

    def _take_place(self) -> None:
        """Exchanges the lock on the folder aside for one on the folder in its place."""
        aside, self._lock = self._lock, lock(self.place, AT_ONCE)
        self._aside.rmdir()
        if aside is not None:
            os.close(aside)

    def clear(self) -> None:
        """Empties the folder built aside."""
        with writing(self.place):
            _empty(self._aside)

    @property
    def promoted(self) -> bool:
        # Asked of the file system: a signal may come between the rename and the next statement.
        return self._was_promoted or (self._lock is not None and is_at(self._lock, self.place))

    @property
    def path(self) -> Path:
        """Where the folder is now."""
        return self.place if self.promoted else self._aside

    def promote(self) -> None:
        """Puts the folder in its place; what stood there is deleted only then. A crash leaves the one or the other."""
        old = _beside(self.place, "old")
        with writing(self.place):
            sync_tree(self.path)
            try:
                if self.place.exists():
                    move_folder(self.place, old)
                move_folder(self.path, self.place)
            except BaseException:
                _recover(self.place)
                raise
            if old.exists():
                shutil.rmtree(old)

    def withdraw(self) -> None:
        """Takes a promoted folder out of its place again: `close` deals with it as if it had never been there."""
        with writing(self.place):
            move_folder(self.place, self._aside)

    def close(self, *, keep: bool = False) -> None:
        """Gives up the lock. Unless `keep`, a folder that was not promoted goes, and so do the folders made for it."""
        self._was_promoted = self.promoted
        if not self._was_promoted and not keep:
            shutil.rmtree(self._aside, ignore_errors=True)
            with suppress(OSError):  # others may use them by now
                for folder in self._made:
                    folder.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def restore(place: Path) -> None:
    """Puts back what a crash in the middle of `promote` left aside. Raises RunError as `Staging` does."""
    if not os.path.exists(place) and _beside(place, "old").exists():
        Staging(place, _holds_anything).close(keep=True)


def places_to_restore(parent: Path) -> list[Path]:
    """The places in a folder from which something was left aside."""
    return [path.with_name(path.name[1 : -len(".old")]) for path in parent.glob(".?*.old")]


def _beside(place: Path, state: str) -> Path:
    return place.with_name(f".{place.name}.{state}")


def _claim(folder: Path, place: Path) -> int:
    """Makes a folder if need be and locks it → the open descriptor that holds the lock."""
    try:
        return claim(folder, AT_ONCE)
    except BlockingIOError as error:
        raise _busy(place) from error


def _refuse_if_locked(place: Path) -> None:
    if place.is_dir():
        try:
            os.close(lock(place, AT_ONCE))
        except BlockingIOError as error:
            raise _busy(place) from error


def _busy(place: Path) -> RunError:
    return RunError(f"{place}: another process is writing it", hint="Wait for it, or choose another folder.")


def _holds_anything(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _recover(place: Path) -> None:
    old = _beside(place, "old")
    if old.exists() and place.exists():
        shutil.rmtree(old)
    elif old.exists():
        move_folder(old, place)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
