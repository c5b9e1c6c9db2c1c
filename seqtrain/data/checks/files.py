"""Which files there are, and how many of their rows can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seqtrain.data.checks.report import Finding, Section, counted, error, passed, raised, table, warning
from seqtrain.data.checks.survey import Source, Survey
from seqtrain.data.splits import SPLITS


def files_section(found: Survey, *, skip: bool) -> Section:
    """The section on files and rows. skip: whether bad rows are skipped, and not an error."""
    rows = [[split, f"{len(found.rows.get(split, ())):,}", _origin(split, found.sources)] for split in SPLITS]
    findings = [
        finding for split, source in found.sources.items() for finding in _findings(split, source, skip)
    ]
    facts = {split: _facts(source) for split, source in found.sources.items()}
    return Section("files", "Files and rows", facts, table([["split", "rows", "from"], *rows]), findings)


def _facts(source: Source) -> dict[str, Any]:
    problems = source.problems
    return {
        "files": source.files,
        "used": problems.used,
        "rejected": problems.rejected,
        "kinds": dict(problems.kinds),
        "first": list(map(str, problems.first)),
        "failure": source.failure or None,
    }


def _origin(split: str, sources: Mapping[str, Source]) -> str:
    if split not in sources:
        return "the files of train" if split == "dev" else "-"
    size = sum(sources[split].files.values())
    return f"{counted(len(sources[split].files), 'file')}, {size / 1000:,.0f} kB"


def _findings(split: str, source: Source, skip: bool) -> Iterator[Finding]:
    problems = source.problems
    if source.failure:
        yield raised(f"{split}: {source.failure}")
    if problems.rejected:
        tell, hint = (warning, "") if skip else (error, ", or set data.bad_rows: skip")
        advice = f"Correct these rows or take them out{hint}."
        yield tell(f"{split}: {problems}", advice, problems.listing())
    elif not source.failure:
        yield passed(f"{split}: all rows can be used")
    if not problems.used and not source.failure:
        yield error(f"{split}: no row is left", "Is it the right file, and data.columns right for it?")
    if source.empty:
        yield warning(
            f"{split}: {counted(source.empty, 'text')} without a token",
            "Take them out; nothing can be learnt from them.",
        )
