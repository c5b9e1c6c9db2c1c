"""Quality gates: `--require accuracy=0.9`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from seqtrain.errors import GateError, UsageError
from seqtrain.evaluation.metrics import METRICS
from seqtrain.suggestion import did_you_mean


class Requirement(NamedTuple):
    """A metric of METRICS with the least value of a score, or the largest of a loss, that will do."""

    metric: str
    bound: float


def parse_requirement(text: str) -> Requirement:
    """Reads `metric=value`; UsageError for anything else, and for a bound that no result can reach.

    >>> parse_requirement("accuracy=0.9")
    Requirement(metric='accuracy', bound=0.9)
    """
    metric, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not of the form metric=value", hint="For example: accuracy=0.9")
    if metric not in METRICS:
        known = ", ".join(METRICS)
        raise UsageError(f"{metric!r} is not one of {known}.{did_you_mean(metric, METRICS)}")
    highest, allowed = (1.0, "from 0 to 1") if METRICS[metric] > 0 else (sys.float_info.max, "of at least 0")
    try:
        bound = float(value)
    except ValueError:
        bound = math.nan
    if not 0 <= bound <= highest:
        raise UsageError(f"{metric} can be required to be a number {allowed}, not {value!r}")
    return Requirement(metric, bound)


def check(metrics: Mapping[str, Any], requirements: Iterable[Requirement]) -> None:
    """Raises a GateError that names every requirement that the result of `evaluate` misses."""
    missed = [message for requirement in requirements if (message := _missed(metrics, requirement))]
    if missed:
        raise GateError("\n".join(missed))


def _missed(metrics: Mapping[str, Any], requirement: Requirement) -> str:
    """How the requirement is missed, or nothing."""
    metric, bound = requirement
    value, direction = metrics[metric], METRICS[metric]
    limit = f"at {'least' if direction > 0 else 'most'} {bound:g}"
    if value is None:
        return f"{metric} must be {limit}, and is not defined on these rows"
    return f"{metric} is {value:.8g} and must be {limit}" if direction * (value - bound) < 0 else ""
