"""Which texts are odd: those made odd in the usual ways, and none of those that are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.checks.characters import EXAMPLES, ODDITIES, Oddities, characters_section
from seqtrain.data.checks.report import PASSED, WARNING
from seqtrain.data.reader import Example

RIGHT = [
    "It’s “fine” – really… 5 €, naïve café",
    "»Großer Spaß«, sagte er. Ärger? ÄÖÜ Straße",
    "« À bientôt », dit-elle ; l’été à Nîmes, CAFÉ\u00a0!",
    "São Paulo: não, coração, IRMÃ",
    "Żółć, źdźbło, Łódź – čeština, Český",
    "Очень хороший фильм! Ёлка",
    "Τι ωραία ταινία, καλή",
    "映画はとても良かったです",
    "نعم שלום हिन्दी ไทย 👍🏽",
    "TNFα, NFκB, 5 μm, Δx, IL-1β",
    "a\tb\nc\r\nd\x85e",
]
LATIN_1 = st.sampled_from(["é", "ü", "ñ", "ß", "Å", "£", "»", "à"])
QUOTES = st.sampled_from(["’", "“", "–", "…", "€", "👍"])
SCRIPTS = st.sampled_from(["фильм", "ταινία", "映画", "日本", "한국", "ไทย"])


def odd_kinds(text: str) -> set[str]:
    oddities = Oddities()
    oddities.look_at(Example(text, "x", 1.0, "a.tsv", 1))
    return {kind for kind, count in oddities.counts.items() if count}


@pytest.mark.parametrize("text", RIGHT)
def test_ordinary_text_of_many_languages_is_not_odd(text: str) -> None:
    assert odd_kinds(text) == set()


@settings(deadline=None)
@given(
    st.sampled_from(["", "a ", "film"]), st.one_of(LATIN_1, QUOTES, SCRIPTS), st.sampled_from(["", " b", "."])
)
def test_utf_8_read_as_something_else_is_mojibake(before: str, inside: str, after: str) -> None:
    data = (before + inside + after).encode()
    assert "mojibake" in odd_kinds(data.decode("latin-1"))
    assert "mojibake" in odd_kinds(data.decode("cp1252", errors="replace").replace("\ufffd", "\x81"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("wow \x96 really", {"mojibake"}),
        ("ï»¿first", {"mojibake"}),
        ("lost \ufffd bytes", {"replaced"}),
        ("\u0440aypal", {"mixed_scripts"}),
        ("ма\u006dа", {"mixed_scripts"}),
        ("\u039fK", {"mixed_scripts"}),
        ("a\x08b", {"control_characters"}),
        ("é\x7f \ufffd", {"control_characters", "replaced"}),
    ],
)
def test_odd_texts(text: str, kinds: set[str]) -> None:
    assert odd_kinds(text) == kinds


def test_all_are_counted_and_a_few_are_shown() -> None:
    oddities = Oddities()
    for line in range(1, 11):
        oddities.look_at(Example("the long beginning \ufffd the long end", "x", 1.0, "a.tsv", line))
    section = characters_section(oddities)
    assert section.facts == {kind: 10 * (kind == "replaced") for kind in ODDITIES}
    marks = {finding.mark: finding for finding in section.findings}
    assert marks.keys() == {PASSED, WARNING}
    assert marks[WARNING].message == "10 texts with U+FFFD, which stands for lost bytes"
    shown = [f"a.tsv:{line}: …g beginning \ufffd the long en…" for line in range(1, EXAMPLES + 1)]
    assert marks[WARNING].examples == shown
