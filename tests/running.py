"""Processes as /proc shows them."""

from __future__ import annotations

from pathlib import Path


def state(process: int) -> str:
    """A letter: T for what is stopped, Z for what has ended and nobody has asked for; X where there is no process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends meanwhile
        return "X"


def is_running(process: int) -> bool:
    """Whether a process is there, and no zombie."""
    return state(process) not in "ZX"
