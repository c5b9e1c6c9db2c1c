"""Answers from a bare model file in a process of its own, which `seqtrain.export.fresh` starts."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    sys.path.append(str(Path(__file__).parents[3]))  # where the package is, if it is not installed
    import seqtrain
    from seqtrain.export.reload.exchange import answer

    predictor = seqtrain.load(sys.argv[1]).predictor
    answer(predictor.encode, predictor.run, predictor.labels, predictor.threshold)


if __name__ == "__main__":
    main()
