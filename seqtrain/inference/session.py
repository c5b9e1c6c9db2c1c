"""ONNX Runtime: quiet, on its caller's thread, and without telemetry."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    """A session of a model that has been looked through; raises what onnxruntime does, which has no common base."""
    # Since its version 1.29 it would report its use to its makers, and keep an identifier below the home folder.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal: all else comes as an exception
    options.intra_op_num_threads = 1  # that of the caller: calls run side by side instead
    options.enable_mem_pattern = False  # remembers the layout of memory for every shape that it has met
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session._model_bytes = None  # as large as the weights, and for a change of provider alone
    return session
