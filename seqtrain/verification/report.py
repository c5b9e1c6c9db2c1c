"""What came of the laws, as sections for programs and people."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from seqtrain.data.checks.report import Finding, Section, counted, error, passed, warning
from seqtrain.verification.laws import Outcome
from seqtrain.verification.sample import Sample

_TITLE, _PROMISE = 28, 24  # widths of columns


def texts_section(texts: Sample, origin: str, nasty: Sample, problem: str) -> Section:
    """origin: in words, what the texts are. problem: why they are not those of dev, "" if they need not be."""
    counts = {"texts": len(texts.places), "nasty_texts": len(nasty.places)}
    advice = "Name a file of texts with --data."
    findings = [warning(problem.partition("\n")[0], advice)] if problem else []
    lines = [origin, counted(counts["nasty_texts"], "nasty text")]
    return Section("texts", "Texts", counts, lines, findings)


def section(name: str, title: str, outcomes: Iterable[Outcome], findings: Iterable[Finding] = ()) -> Section:
    """The findings that are known already, and one for each outcome; its facts under the name of its law."""
    outcomes = list(outcomes)
    facts = {outcome.law.name: _facts(outcome) for outcome in outcomes}
    return Section(name, title, facts, findings=[*findings, *map(_finding, outcomes)])


def graph_finding(problem: str) -> Finding:
    """problem: why `predict` refuses the graph of a model file, "" if it does not."""
    if problem:
        return error(f"{'graph':{_TITLE}}{problem}", "`seqtrain predict` refuses this file.")
    return passed(f"{'graph':{_TITLE}}is one that seqtrain builds")


def _facts(outcome: Outcome) -> dict[str, Any]:
    answered = outcome.difference is not None and math.isfinite(outcome.difference)
    return {
        "holds": outcome.holds,
        "tolerance": outcome.law.tolerance,
        "difference": outcome.difference if answered else None,
        "where": "" if outcome.holds else outcome.where,
    }


def _finding(outcome: Outcome) -> Finding:
    law, difference, where = outcome
    if outcome.holds:
        return passed(f"{law.title:{_TITLE}}{law.promise:{_PROMISE}}{_number(difference)}")
    said = "no answer" if difference is None else f"{'differs':{_PROMISE}}{_number(difference)}"
    return error(f"{law.title:{_TITLE}}{said}", law.advice, [where])


def _number(difference: float | None) -> str:
    return f"{difference:.1e}" if difference else "0"
