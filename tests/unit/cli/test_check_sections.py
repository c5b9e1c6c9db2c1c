from __future__ import annotations

import json

import click

from seqtrain.cli.check.sections import as_json, as_text, in_words, totals
from seqtrain.data.checks import Section
from seqtrain.data.checks.report import error, passed, warning

SECTION = Section(
    "files",
    "Files and rows",
    {"rows": 3},
    ["split  rows", "train     3"],
    [
        passed("dev: all rows can be used"),
        warning("one \x1b[2J thing", "Look at it.", ["a.tsv:1: …\x07…"]),
        error("train: a.tsv: no such file\n  or no folder", "Make one."),
    ],
)


def test_a_section_as_text() -> None:
    """Marks are signs, so that it reads without colour; and nothing from a file commands the terminal."""
    text = as_text(SECTION)
    assert click.unstyle(text).split("\n") == [
        "Files and rows",
        "  split  rows",
        "  train     3",
        "✔ dev: all rows can be used",
        "⚠ one \\x1b[2J thing",
        "    a.tsv:1: …\\x07…",
        "  → Look at it.",
        "✘ train: a.tsv: no such file",
        "    or no folder",
        "  → Make one.",
        "",
    ]
    assert "\x07" not in text
    assert click.style("✘", fg="red") in text


def test_sections_as_json() -> None:
    again = json.loads(json.dumps(as_json([SECTION, Section("cost", "Cost")])))
    assert list(again) == ["passed", "warnings", "errors", "sections"]
    assert again["sections"].keys() == {"files", "cost"}
    files = again["sections"]["files"]
    assert files["facts"] == {"rows": 3}
    assert files["findings"][0] == {
        "mark": "passed",
        "message": "dev: all rows can be used",
        "advice": "",
        "examples": [],
    }
    assert [finding["mark"] for finding in files["findings"]] == ["passed", "warning", "error"]


def test_totals() -> None:
    counts = totals([SECTION, SECTION])
    assert counts == {"passed": 2, "warnings": 2, "errors": 2}
    assert in_words({**counts, "warnings": 1}) == "2 checks passed, 1 warning, 2 errors"
