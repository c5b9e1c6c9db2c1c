"""The sections of a check as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from seqtrain.cli.printable import printable
from seqtrain.data.checks import ERROR, PASSED, WARNING, Finding, Section
from seqtrain.data.checks.report import counted

_MARKS = {PASSED: ("✔", "green"), WARNING: ("⚠", "yellow"), ERROR: ("✘", "red")}


def as_text(section: Section) -> str:
    """A section for people. What comes from files is shown without controls, which a terminal would obey."""
    lines = [click.style(section.title, bold=True), *(f"  {printable(line)}" for line in section.lines)]
    for finding in section.findings:
        lines += _lines(finding)
    return "\n".join([*lines, ""])


def as_json(sections: Sequence[Section]) -> dict[str, Any]:
    """All sections as one object: the totals, and by the name of each section its facts and findings."""
    named = {
        section.name: {"facts": section.facts, "findings": [asdict(finding) for finding in section.findings]}
        for section in sections
    }
    return {**totals(sections), "sections": named}


def totals(sections: Sequence[Section]) -> dict[str, int]:
    """How many findings there are: `passed`, `warnings`, `errors`."""
    marks = [finding.mark for section in sections for finding in section.findings]
    names = {PASSED: "passed", WARNING: "warnings", ERROR: "errors"}
    return {name: marks.count(mark) for mark, name in names.items()}


def in_words(totals: Mapping[str, int]) -> str:
    """The line at the end.

    >>> in_words({"passed": 12, "warnings": 1, "errors": 0})
    '12 checks passed, 1 warning, 0 errors'
    """
    passed, warnings, errors = totals.values()
    return f"{counted(passed, 'check')} passed, {counted(warnings, 'warning')}, {counted(errors, 'error')}"


def _lines(finding: Finding) -> Iterator[str]:
    sign, colour = _MARKS[finding.mark]
    first, *others = finding.message.split("\n")
    yield f"{click.style(sign, fg=colour)} {printable(first)}"
    for line in (*others, *finding.examples):
        yield f"    {printable(line.strip())}"
    if finding.advice:
        yield f"  → {printable(finding.advice)}"
