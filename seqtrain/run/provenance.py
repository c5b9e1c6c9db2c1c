"""Where a run comes from: versions, data, code. Recorded so that a figure can be traced and repeated."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from seqtrain import __version__

PACKAGES = ("tensorflow", "numpy", "numba", "onnx", "onnxruntime", "scikit-learn", "safetensors")


def versions() -> dict[str, str]:
    """The versions that a run's numbers may depend on, by name."""
    return {
        "seqtrain": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: version(package) for package in PACKAGES},
    }


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Path → sha256 of the file's bytes."""
    return {str(path): sha256(path) for path in paths}


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def git_commit() -> str | None:
    """The commit checked out where the command runs, with "+changes" if files differ; None outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
