"""The process that fits the baseline: corpora are in its folder, what it finds goes to stdout as JSON.

It works when the cores have nothing better to do, goes first where memory runs out, and ends when its stdin does, which
is also what it sees when the other process is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path

LOWEST_PRIORITY = 19


def main() -> None:
    """Answers what `best_on_dev` does for the arguments in the command line, with the `seconds` of processor time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    os.nice(LOWEST_PRIORITY)
    with suppress(OSError):  # where there is no Linux
        Path("/proc/self/oom_score_adj").write_text("1000")
    warnings.simplefilter("ignore")  # nobody reads them

    from seqtrain.baseline.tfidf import best_on_dev
    from seqtrain.data.corpora import Corpora
    from seqtrain.errors import SeqtrainError

    try:
        answer = best_on_dev(Corpora.open(Path()), **json.loads(sys.argv[1]))
    except SeqtrainError as error:
        sys.exit(str(error))
    with open(1, "w") as stdout:
        json.dump({**answer, "seconds": time.process_time()}, stdout)


def _end_with_stdin() -> None:
    os.read(0, 1)
    os._exit(1)
