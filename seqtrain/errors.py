"""The errors a user can meet: one class per exit code.

A message says where, what is wrong and, in the hint, what to do. Whatever is raised as something else is a
bug and ends with exit code 1.
"""

from __future__ import annotations


class SeqtrainError(Exception):
    """An error whose message is meant for the user; the command line prints it without a traceback."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)


class UsageError(SeqtrainError):
    """Wrong usage: a bad option or config, or a split that the run does not have."""

    exit_code = 2


class DataError(SeqtrainError):
    """Data that cannot be read or used."""

    exit_code = 3


class RunError(SeqtrainError):
    """A run folder, checkpoint or model file that is missing, damaged, locked or in the way; an export that fails."""

    exit_code = 4


class DivergenceError(SeqtrainError):
    """Training whose loss or gradient is no longer finite."""

    exit_code = 5

    def __init__(self, message: str) -> None:
        super().__init__(
            message, hint="Lower training.learning_rate, set training.clip_norm, raise training.warmup."
        )


class GateError(SeqtrainError):
    """A quality gate that was missed, or a law that a model breaks."""

    exit_code = 6
