"""Runs `seqtrain` the way a user does: in a process of its own, in a folder of the caller's choice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SEQTRAIN = [sys.executable, "-m", "seqtrain"]
PATIENCE = 120  # seconds that a command may take before a test gives up on it

# Without the settings by which the tests themselves keep TensorFlow quiet.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


def seqtrain(*arguments: str | Path, cwd: Path, stdin: str | bytes = b"") -> Result:
    """What a command answers; stdin and what comes out are UTF-8."""
    return call([*SEQTRAIN, *map(str, arguments)], cwd=cwd, stdin=stdin)


def python(*arguments: str, cwd: Path, stdin: str | bytes = b"") -> Result:
    """What the interpreter of these tests answers."""
    return call([sys.executable, *arguments], cwd=cwd, stdin=stdin)


def call(command: list[str], *, cwd: Path, stdin: str | bytes = b"") -> Result:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=ENVIRONMENT,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=PATIENCE,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """A command under way, with pipes to all its ends."""
    return subprocess.Popen(
        [*SEQTRAIN, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str]) -> Result:
    """What the command answers from here to its end."""
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, stdout, stderr)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the content of each file, None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
