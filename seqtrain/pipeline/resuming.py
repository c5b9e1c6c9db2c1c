"""Whether a run may go on under a config and data, and from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from seqtrain.config import Config
from seqtrain.config.problems import shown
from seqtrain.data.corpus import Corpora
from seqtrain.errors import RunError
from seqtrain.run import Run

if TYPE_CHECKING:
    from seqtrain.training.checkpoint import Shapes
    from seqtrain.training.keeper import Found

EPOCHS = "training.epochs"
FREE = {"training.threads", "training.checkpoint_every", "training.checkpoint_minutes", "data.cache"}
"""Keys that may change: they say how training is done, not what. Threads change the last digits of the weights."""

HINT = (
    "Go on with the config and the data of the run, or train anew with --overwrite or --out; "
    "training.init_from: RUN begins with the weights of a run."
)


class Change(NamedTuple):
    """A value that is another one than before; None where there is none."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {shown(self.old)} → {shown(self.new)}"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Where two nested mappings differ, by dotted keys, in the order of `new` and then of `old`.

    >>> changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})
    [Change(key='a.c', old=2, new=3)]
    """
    before, now = dict(_flat(old)), dict(_flat(new))
    return [
        Change(key, before.get(key), now.get(key))
        for key in dict.fromkeys([*now, *before])
        if before.get(key) != now.get(key)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


@dataclass(frozen=True)
class Resumption:
    """What the run was, and what has changed since: keys that may, versions, threads."""

    status: str
    more_epochs: Change | None
    others: list[Change]

    @property
    def is_done(self) -> bool:
        return self.status == "finished" and self.more_epochs is None


def resumption(run: Run, config: Config, sha256: Mapping[str, str]) -> Resumption:
    """Raises RunError, with a diff, unless the run may go on with this config and these data files."""
    info = run.info()
    config_changes = (
        changes(run.config().model_dump(), config.model_dump()) if run.config_file.exists() else []
    )
    more = next((change for change in config_changes if _is_more(change)), None)
    others = [change for change in config_changes if change.key in FREE]
    refused = [change for change in config_changes if change not in (more, *others)]
    lines = [str(change) for change in refused] + _data_changes(info.get("data_sha256"), sha256)
    if lines:
        what = "\n  ".join([f"{run.path}: cannot go on, because of what has changed:", *lines])
        raise RunError(what, hint=HINT)
    return Resumption(run.status(), more, others)


def _is_more(change: Change) -> bool:
    return change.key == EPOCHS and change.new > change.old


def _data_changes(old: Mapping[str, str] | None, new: Mapping[str, str]) -> list[str]:
    if old is None:
        return []
    return [
        f"{path}: sha256 {str(before or 'none')[:12]}… → {(now or 'none')[:12]}…"
        for path, before, now in changes(old, new)
    ]


def found_checkpoint(run: Run, shapes: Shapes) -> Found:
    """The checkpoint to go on from; newer ones that are damaged are deleted, and so are leftovers."""
    from seqtrain.training.keeper import newest_whole

    found = newest_whole(run, shapes)
    step = found.checkpoint.progress.step if found.checkpoint else 0
    run.keep_checkpoints({other for other in run.checkpoints() if other <= step})
    return found


def require_same_words(run: Run, corpora: Corpora) -> None:
    """RunError unless the vocabulary and the labels of the run are those of the data."""
    if run.vocabulary_file.exists() and run.vocabulary() != corpora.vocabulary.to_tsv():
        raise RunError(f"{run.vocabulary_file}: is not the vocabulary of the run's data", hint=HINT)
    if run.labels_file.exists() and run.labels() != corpora.labels:
        raise RunError(f"{run.labels_file}: are not the labels of the run's data", hint=HINT)
