"""The process of a contender: it prepares, and for each line on stdin runs a round and answers with a line of JSON.

    python -m contenders.worker MODULE WAY SETTINGS

Processes, because the libraries set up their threads but once in each. SETTINGS are the keywords of `prepare`, as
JSON. The answer has the seconds of the round, those of all cores together, and what the round itself returned.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module


def main() -> None:
    module, way, settings = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else a library prints
    run = import_module(f"contenders.{module}").prepare(way, **json.loads(settings))
    print("ready", file=answers)
    for _ in sys.stdin:
        start, cpu_start = time.perf_counter(), time.process_time()
        figures = run()
        times = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}
        print(json.dumps({**times, **figures}), file=answers)


if __name__ == "__main__":
    main()
