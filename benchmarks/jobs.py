"""Runs a script of contenders/ that says when it is how far, from a cold shell."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from measure import run

FOLDER = Path(__file__).parent / "contenders"


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, str(FOLDER / f"{script}.py"), *map(str, arguments)]


def told(script: str, *arguments: object) -> list[dict[str, Any]]:
    """The script's lines, each with the seconds from the start of its process; without those that it does not count."""
    start = time.time()
    lines = map(json.loads, run(command(script, *arguments)).stdout.splitlines())
    return [{**line, "seconds": line["at"] - start - line.get("uncounted", 0.0)} for line in lines]
