"""What a check of the data says: sections of facts, for programs, and of findings, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PASSED, WARNING, ERROR = "passed", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check, PASSED, WARNING or ERROR; the last two with what to do, and maybe a few cases."""

    mark: str
    message: str
    advice: str = ""
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """Checks that belong together. name: a stable key; facts: plain values, ready for JSON; lines: they as a table."""

    name: str
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    findings: Sequence[Finding] = ()


def passed(message: str) -> Finding:
    return Finding(PASSED, message)


def warning(message: str, advice: str, examples: Sequence[str] = ()) -> Finding:
    return Finding(WARNING, message, advice, examples)


def raised(text: str) -> Finding:
    """The text of an error of this project, whose last line is the hint, as the outcome of a check."""
    *lines, last = text.split("\n")
    hint = last.removeprefix("  ")
    message = text if hint == last else "\n".join(lines)
    return Finding(ERROR, message, "" if hint == last else hint)


def error(message: str, advice: str, examples: Sequence[str] = ()) -> Finding:
    return Finding(ERROR, message, advice, examples)


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one.

    >>> counted(1, "row"), counted(1200, "batch")
    ('1 row', '1,200 batches')
    """
    ending = "" if count == 1 else "es" if noun.endswith("h") else "s"
    return f"{count:,} {noun}{ending}"


def percent(share: float) -> str:
    """A share in per cent; neither 0 nor 100 for one that is not.

    >>> percent(0.1234), percent(0), percent(0.00001)
    ('12.3%', '0%', '<0.1%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "<0.1%"
    return ">99.9%" if share > 0.999 else f"{share:.1%}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns two spaces apart, the first flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
