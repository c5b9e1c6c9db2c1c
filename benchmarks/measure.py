"""What the benchmarks share: timed processes, spread, aligned tables, and results as JSON."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seqtrain.run.provenance import git_commit, versions

SEQTRAIN = str(Path(sys.executable).with_name("seqtrain"))

WATCH_MEMORY = """
import os, sys
_, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Timed(NamedTuple):
    """seconds on the clock, cpu_seconds on all cores together, and what the process wrote to stdout."""

    seconds: float
    cpu_seconds: float
    stdout: str


def run(command: Sequence[str]) -> Timed:
    """Runs a process to its end; its stderr is shown, and the benchmark ends here, if it fails."""
    cpu, start = _children_cpu(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return Timed(seconds, _children_cpu() - cpu, done.stdout)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_memory(command: Sequence[str]) -> float:
    """What the process had resident at most, in MB; the largest of it and those that it starts."""
    # Started by a small process, since the system counts what it was forked from as well.
    peak = int(run([sys.executable, "-c", WATCH_MEMORY, *command]).stdout.split()[-1])
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def mean_and_sd(values: Sequence[float], digits: int = 2) -> str:
    """Like "77.12 ± 0.35", with the sample's standard deviation; without it for a single value."""
    mean = f"{statistics.mean(values):,.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):,.{digits}f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in (header, *rows)
    )


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code; load: processes that wanted a core in the last minute."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "versions": versions(),
        "git_commit": git_commit(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def save(path: Path | None, results: Any) -> None:
    """Writes the results, the command and the machine as JSON, if a path is given."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"command": sys.argv, "machine": machine(), "results": results}
        path.write_text(json.dumps(content, indent=2) + "\n")
