"""Benchmarks are scripts: they find one another because their folder is on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
