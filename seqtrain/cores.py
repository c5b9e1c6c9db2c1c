"""How many cores there are for this process, as far as it is bound to some of them or rationed."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Those that run a thread each, two per core where the processor can: right for work on text."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def physical_cores() -> int:
    """Those with arithmetic units of their own: right for matrix products, which two threads would fight over."""
    import joblib  # slow to import

    return int(joblib.cpu_count(only_physical_cores=True))
