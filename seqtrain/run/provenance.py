"""Where a run comes from: versions, data, code. Recorded so that a figure can be traced and repeated."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from seqtrain import __version__
from seqtrain.cores import usable_cores

PACKAGES = ("tensorflow", "numpy", "numba", "onnx", "onnxruntime", "scikit-learn", "safetensors")


def versions() -> dict[str, str]:
    """The versions that a run's numbers may depend on, by name."""
    return {
        "seqtrain": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: version(package) for package in PACKAGES},
    }


def machine() -> dict[str, str | int]:
    """The processor and how many cores of it there are for this process: the numbers of a run depend on them too."""
    return {"processor": _processor(), "cores": usable_cores()}


def _processor() -> str:
    """Its name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def as_text(name: str | Path) -> str:
    r"""A name of the file system for JSON: bytes that are not UTF-8 are written like `\xff`."""
    return os.fsencode(name).decode(errors="backslashreplace")


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Path → sha256 of the file's bytes."""
    return {as_text(path): sha256(path) for path in paths}


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
