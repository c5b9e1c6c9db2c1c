"""A run that this process writes: where it stands until it is good enough, what it records of its own course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from seqtrain.errors import RunError
from seqtrain.run import Run
from seqtrain.run.atomic import atomic_write, restore_replaced, write_json, writing
from seqtrain.run.staging import Staging


class NewRun(Run):
    """A run under a hidden name until `promote`, under its own from then on, locked against other processes."""

    def __init__(
        self, out: str | Path, *, overwrite: bool = False, resume: bool = False, seeds: Sequence[int] = ()
    ) -> None:
        """Begins a run that is to stand at `out`, or with `resume` goes on with the one that was begun there last.

        seeds: for a run that is made of those of several seeds inside it.

        Raises RunError if there is something else at `out`, a run without `overwrite` or `resume`, a run that is being
        written, or one to go on with that has other seeds than these or some of these.
        """
        place = Path(out).resolve() if Path(out).is_symlink() else Path(out)
        if place.name in ("", "..") or place.name.startswith("."):
            raise RunError(f"{out}: is no name for a run", hint="Choose one that does not begin with a dot.")
        # What was begun there before is cleared away only when all has been checked.
        self._staging = Staging(place, _holds_run if resume else lambda folder: True)
        super().__init__(self._staging.path)
        self._seeds = list(seeds)
        self.goes_on = resume and self.exists()
        try:
            if self.goes_on:
                self._require_same_seeds()
            self._overwrite = overwrite or (self.goes_on and self.info().get("overwrite") is True)
            if not self.is_in_place:
                self._check_place()
            if not self.goes_on:
                self._staging.clear()
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _require_same_seeds(self) -> None:
        begun = self.info().get("seeds", [])
        if self._seeds and not begun:
            raise RunError(
                f"{self.place}: has been begun without --seeds",
                hint="Go on without them, or train anew with --overwrite or --out.",
            )
        if any(seed not in self._seeds for seed in begun):
            raise RunError(
                f"{self.place}: has been begun with --seeds {len(begun)}, from seed {begun[0]} on",
                hint="Go on with these seeds or more, or train anew with --overwrite or --out.",
            )

    def _prepare(self) -> None:
        self.checkpoints()  # raises RunError for links
        with writing(self.path):
            for folder in ("metrics",) if self._seeds else ("metrics", "checkpoints"):
                (self.path / folder).mkdir(exist_ok=True)
            restore_replaced(self.path / "checkpoints")
        if not self.goes_on:
            made_of = {"seeds": self._seeds} if self._seeds else {}
            write_json(self.info_file, {"status": "running", "overwrite": self._overwrite, **made_of})

    @property
    def place(self) -> Path:
        """Where the run is to stand."""
        return self._staging.place

    @property
    def is_in_place(self) -> bool:
        return self._staging.promoted

    def promote(self, *, replace: bool = True) -> None:
        """Puts the run in its place, unless an old run is there that it may not `replace` yet; that goes only then.

        Does nothing the second time.
        """
        if self.is_in_place:
            return
        if self._check_place() and not replace:
            return
        self._staging.promote()
        self.path = self._staging.path

    def record(self, event: str, info: Mapping[str, Any] | None = None, **facts: Any) -> None:
        """Appends an event to the history in run.json; info: keys there that change with it."""
        entry = {"event": event, "time": now(), **facts}
        self.update_info(**(info or {}), history=[*self.info().get("history", []), entry])

    def write_labels(self, labels: Sequence[str]) -> None:
        atomic_write(self.labels_file, "".join(f"{label}\n" for label in labels).encode())

    def abandon(self, error: BaseException) -> None:
        """Records why the run ended early, if it stays; `close` removes it otherwise."""
        self.path = self._staging.path
        if self._stays():
            status = "failed" if isinstance(error, Exception) else "interrupted"
            with suppress(RunError):  # a full disk, say, which is what `error` tells already
                info = {"status": status, "error": f"{type(error).__name__}: {error}"}
                self.record(status, info, error=type(error).__name__)

    def close(self) -> None:
        """Gives up the lock on the run; removes it if it has neither got to its place nor a checkpoint.

        One of several seeds, which gets to its place at once, is removed if none of them is there.
        """
        stays = self._stays()
        if self.is_in_place and not stays:
            self._staging.withdraw()
        self._staging.close(keep=stays)

    def _stays(self) -> bool:
        if self.checkpoints() or self.seeds():
            return True
        return self.is_in_place and (self.goes_on or not self._seeds)

    def _check_place(self) -> bool:
        """Whether there is an old run in the place. RunError unless it may be replaced."""
        place = self._staging.place
        with writing(place):
            if not place.exists() or (place.is_dir() and not any(place.iterdir())):
                return False
        if not _holds_run(place):
            raise RunError(f"{place}: is there already, and is no run", hint="Choose another folder.")
        if not self._overwrite:
            hint = "Go on with it by --resume, replace it by --overwrite, or choose another folder by --out."
            raise RunError(f"{place}: holds a run already", hint=hint)
        return True


def _holds_run(folder: Path) -> bool:
    return Run(folder).exists()


def now() -> str:
    """The time, in UTC, as run.json has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
