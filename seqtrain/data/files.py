"""Finds and opens input files; everything that can go wrong with a file as a whole is a `DataError`."""

from __future__ import annotations

import glob
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seqtrain.data.formats.lines import ByteStream
from seqtrain.errors import DataError
from seqtrain.suggestion import nearest


def expand(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files that names and glob patterns (`*`, `?`, `[...]`, `**`) stand for, each file once.

    They come in the order of the patterns, sorted within a pattern. A name that exists is taken as it stands, even
    with glob signs in it. Raises one DataError that tells of every name without a file and of every folder.
    """
    patterns = [paths] if isinstance(paths, str | Path) else paths
    files: list[Path] = []
    problems: list[str] = []
    for pattern in map(str, patterns):
        matches = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
        found = sorted(match for match in matches if not os.path.isdir(match))
        files += map(Path, found)
        if not found:
            problems.append(str(_nothing_found(pattern)))
    if problems:
        raise DataError("\n".join(problems))
    return list(dict.fromkeys(files))


def _nothing_found(pattern: str) -> DataError:
    if os.path.isdir(pattern):
        return DataError(f"{pattern}: is a folder", hint="Name the files in it, one by one or by a pattern.")
    problem = "no file matches" if glob.has_magic(pattern) else "no such file"
    return DataError(f"{pattern}: {problem}", hint=_suggestion(pattern))


def _suggestion(pattern: str) -> str:
    """What the user may have meant, judging by the names in the folder that the pattern points into."""
    folder, name = os.path.split(pattern)
    try:
        close = nearest(name, os.listdir(folder or "."))
    except OSError:  # no such folder, or one that may not be listed: no suggestion either
        close = None
    return (
        f"Did you mean {os.path.join(folder, close)!r}?" if close else "Paths start where the command runs."
    )


@contextmanager
def open_bytes(path: Path) -> Iterator[ByteStream]:
    """Opens a file for reading bytes, decompressed if its name ends in `.gz`.

    Trouble while opening it or reading from it is raised as DataError.
    """
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip data: {error}", hint="Fetch the file again.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
