"""Texts whose characters have gone wrong somewhere on their way into the file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from seqtrain.data.checks.report import Finding, Section, counted, passed, warning
from seqtrain.data.reader import Example

EXAMPLES = 3
_CONTEXT = 12  # characters shown on either side

# The bytes that go on with a character in UTF-8, 0x80 to 0xBF, as Latin-1 and Windows-1252 show them.
_BYTES = bytes(range(0x80, 0xC0))
_NEXT = f"[{re.escape(_BYTES.decode('latin-1') + _BYTES.decode('cp1252', 'ignore'))}]"
_LATIN, _CYRILLIC = "[A-Za-zÀ-ÖØ-öø-ɏ]", "[Ѐ-ԯ]"
_GREEK_ALIKE = "[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο]"  # not those of formulas, as in TNFα and μm


@dataclass(frozen=True)
class Oddity:
    pattern: re.Pattern[str]
    title: str
    advice: str


# One character of two bytes is a sign of it only for Â and Ã: »Spaß« ends like a character of UTF-8, too.
ODDITIES = {
    "mojibake": Oddity(
        re.compile(
            rf"[ÂÃ]{_NEXT}|â{_NEXT}{_NEXT}|ð[\x9fŸ]{_NEXT}{_NEXT}|ï»¿|ï¿½"
            rf"|(?:[Ä-ß]{_NEXT}){{2}}|(?:[à-ï]{_NEXT}{_NEXT}){{2}}|[\x80-\x84\x86-\x9f]"
        ),
        "characters read in a wrong encoding, as Ã© for é",
        "Make the file anew from its source, decoded as what it is.",
    ),
    "replaced": Oddity(
        re.compile("\ufffd"),
        "U+FFFD, which stands for lost bytes",
        "Make the file anew from its source, decoded as what it is.",
    ),
    "mixed_scripts": Oddity(
        re.compile(rf"{_LATIN}{_CYRILLIC}|{_CYRILLIC}{_LATIN}|{_LATIN}{_GREEK_ALIKE}|{_GREEK_ALIKE}{_LATIN}"),
        "words of Latin and look-alike Cyrillic or Greek letters",
        "Write each of these words in one script; as they are, they count as other words.",
    ),
    "control_characters": Oddity(
        re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
        "control characters",
        "Take them out; to the tokenizer they are white space.",
    ),
}
_BEYOND_ASCII = {kind: ODDITIES[kind].pattern.search for kind in ("mojibake", "replaced", "mixed_scripts")}
_control = ODDITIES["control_characters"].pattern.search


class Oddities:
    """Counts odd texts by kind, and keeps the first few: memory does not grow with their number."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {kind: [] for kind in ODDITIES}

    def look_at(self, row: Example) -> None:
        if not row.text.isascii():
            for kind, search in _BEYOND_ASCII.items():
                self._note(kind, row, search(row.text))
        self._note("control_characters", row, _control(row.text))

    def _note(self, kind: str, row: Example, match: re.Match[str] | None) -> None:
        if match is None:
            return
        self.counts[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            excerpt = row.text[max(0, match.start() - _CONTEXT) : match.end() + _CONTEXT]
            self.examples[kind].append(f"{row.file}:{row.line}: …{excerpt}…")


def characters_section(oddities: Oddities) -> Section:
    """The section on the characters of all texts."""
    findings = [_finding(kind, oddities) for kind in ODDITIES]
    return Section(
        "characters", "Characters", {kind: oddities.counts[kind] for kind in ODDITIES}, findings=findings
    )


def _finding(kind: str, oddities: Oddities) -> Finding:
    oddity, count = ODDITIES[kind], oddities.counts[kind]
    if not count:
        return passed(f"no {oddity.title}")
    return warning(f"{counted(count, 'text')} with {oddity.title}", oddity.advice, oddities.examples[kind])
