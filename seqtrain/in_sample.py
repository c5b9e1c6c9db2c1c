"""Files that a run was fitted to: what is measured on them is better than it is on new rows."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from seqtrain.data.files import expand
from seqtrain.run import Run
from seqtrain.run.provenance import as_text, sha256
from seqtrain.settings import data_splits


def fitted_to(run: Run, paths: Sequence[str | Path] | None = None) -> dict[Path, str]:
    """Those of the files whose bytes are those of a file of the run's train or dev split, as it was then → which one.

    paths: names and patterns; None: those of the run's test split. Where dev is a share of train, train it is. Files
    that cannot be read are left out, and so is what is no regular file. DataError for a name without a file.
    """
    info, splits = run.info(), data_splits(run.config())
    start, recorded = info.get("start_folder", "."), info.get("data_sha256", {})
    known = {
        str(recorded[name]): split
        for split in ("dev", "train")
        for name in _names(splits.files(split), start)
        if name in recorded
    }
    files = expand(splits.seen_from(start).files("test") if paths is None else paths)
    return {file: known[digest] for file in files if (digest := _digest(file)) in known}


def _digest(file: Path) -> str:
    """The sha256, or nothing where the file has none; whoever reads its rows tells why it cannot be read."""
    try:
        return sha256(file) if file.is_file() else ""
    except OSError:
        return ""


def _names(files: str | Sequence[str], start: str) -> set[str]:
    """What run.json may call the files; `start`: the folder that names and patterns start from."""
    patterns = [files] if isinstance(files, str) else files
    matches = {match for pattern in patterns for match in glob.glob(pattern, root_dir=start, recursive=True)}
    return {as_text(Path(name)) for name in matches.union(patterns)}
