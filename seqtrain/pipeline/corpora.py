"""The encoded data of a config: kept from an earlier run on the same files, or encoded now."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.data.corpus import Corpora, build_corpora
from seqtrain.data.problems import Problems
from seqtrain.data.rejected import Rejected
from seqtrain.data.workers import usable_processes
from seqtrain.errors import DataError
from seqtrain.run import Run, folder_of_runs
from seqtrain.run.atomic import atomic_file, writing
from seqtrain.run.cache import FolderCache
from seqtrain.run.provenance import as_text, file_hashes

CACHE = ".corpora"  # beside the run, or beside the whole where it is one of several seeds
MOST_CACHE_BYTES = 20 << 30
FORMAT = 1  # of what is kept; part of the key
CORPORA, REJECTED, ROWS = "corpora", "rejected.tsv", "rows.json"


@dataclass(frozen=True)
class Rows:
    """What became of the rows: how many were used and rejected, in words; the first rejected ones; whether skipped."""

    summary: str
    listing: list[str]
    skipping: bool
    reused: bool


class DataFiles:
    """The files of a config's data, with the sha256 of each; all stay the same as long as a run needs them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Raises DataError for what is no regular file: files are read more than once."""
        paths = list(paths)
        self._states = {path: _state(path) for path in paths}
        try:
            self.sha256 = file_hashes(sorted(paths))
        except OSError as error:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error

    def require_unchanged(self) -> None:
        """DataError for a file that was written to since its sha256 was taken."""
        for path, state in self._states.items():
            if _state(path) != state:
                raise DataError(
                    f"{path}: has changed while it was read", hint="Start again when it is complete."
                )


@contextmanager
def encoded(config: Config, run: Run, place: Path, files: DataFiles) -> Iterator[tuple[Corpora, Rows, Path]]:
    """The corpora, mapped for as long as the block lasts, and their folder, which may be moved meanwhile.

    rejected.tsv goes into the run. place: of the run.
    """

    def build(folder: Path) -> None:
        _encode(config, folder)
        files.require_unchanged()

    opened = functools.cache(_open)  # what was checked is not read through again
    with _folder(config, run, place, files, build, opened) as (folder, reused):
        rows, corpora = opened(folder)
        if rows["skipping"]:
            with atomic_file(run.rejected_file) as file:
                shutil.copyfile(folder / REJECTED, file)
        yield corpora, Rows(**rows, reused=reused), folder / CORPORA


@contextmanager
def _folder(
    config: Config,
    run: Run,
    place: Path,
    files: DataFiles,
    build: Callable[[Path], None],
    check: Callable[[Path], object],
) -> Iterator[tuple[Path, bool]]:
    """Where the encoded data are, and whether they have been there before."""
    if settings.keeps_corpora(config):
        cache = FolderCache(folder_of_runs(place) / CACHE, MOST_CACHE_BYTES)
        with cache.entry(_key(config, files), build, check) as entry:
            yield entry.path, entry.reused
        return
    folder = run.path / "corpus"
    try:
        with writing(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        build(folder)
        yield folder, False
    finally:
        shutil.rmtree(run.path / "corpus", ignore_errors=True)  # the run may have got to its place meanwhile


def _open(folder: Path) -> tuple[dict[str, Any], Corpora]:
    """What `_encode` left in a folder: the values of Rows but for `reused`, and the corpora."""
    return json.loads((folder / ROWS).read_bytes()), Corpora.open(folder / CORPORA)


def _key(config: Config, files: DataFiles) -> str:
    """Names the encoded data by all that they depend on."""
    sha256s = {name: files.sha256[name] for name in map(as_text, settings.encoded_files(config))}
    facts = [FORMAT, settings.encoding_facts(config), sha256s]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _encode(config: Config, folder: Path) -> None:
    splits, skipping = settings.data_splits(config), settings.skips_bad_rows(config)
    with writing(folder), Rejected(folder / REJECTED) if skipping else nullcontext() as rejected:
        problems = Problems(rejected)
        build_corpora(
            splits.read("train"),
            splits.dev if isinstance(splits.dev, float) else splits.read("dev"),
            folder / CORPORA,
            settings.tokenizer(config),
            **settings.vocabulary_limits(config),
            split_seed=splits.split_seed,
            more_words=settings.more_words(config),
            processes=usable_processes(settings.threads(config)),
            problems=problems,
        )
        rows = {"summary": str(problems), "listing": problems.listing(), "skipping": skipping}
        (folder / ROWS).write_text(json.dumps(rows))


def _state(path: Path) -> tuple[int, int, int]:
    """What changes when a file does."""
    try:
        state = os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(state.st_mode):
        raise DataError(
            f"{path}: is no regular file", hint="Write its content to one; data are read more than once."
        )
    return state.st_ino, state.st_size, state.st_mtime_ns
