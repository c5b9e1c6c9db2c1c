"""The model file, to be copied anywhere: that of the run or, quantized, a smaller one."""

from __future__ import annotations

from pathlib import Path

from seqtrain.inference.quantization import quantized
from seqtrain.run import Run


def write(run: Run, file: Path, quantize: str | None) -> None:
    """Writes the model of a run; quantize: "int8", or None to leave it as it is."""
    model = run.sealed(run.model_file)
    file.write_bytes(model if quantize is None else quantized(model, str(run.model_file)))
