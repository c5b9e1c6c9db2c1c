"""The inputs and the laws are those of benchmarks/fuzz.py, which goes on for longer."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
