"""Writes seqtrain/text/word_rule.json, the frozen tables behind the tokenizers.

    python3.10 tools/word_rule.py

Every trained model depends on these tables, so they come from one version of Unicode, 13.0 (that of Python
3.10), and never change under a rule version that exists. Needs nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

VERSION = 1
UNICODE = "13.0.0"
TARGET = Path(__file__).resolve().parent.parent / "seqtrain" / "text" / "word_rule.json"

PATTERN = "[{W}][{W}{M}]*(?:'[{W}][{W}{M}]*)*|[^{Z}][{M}]*"

# Invisible characters that say how to lay a text out, not what it says; left in, they would cut words.
DROPPED = "\u00ad\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
APOSTROPHE = "\u2019"
ZERO_WIDTH_SPACE = "\u200b"  # invisible as well, but its purpose is to part words
JOINERS = "\u200c\u200d"  # ZWNJ and ZWJ belong inside words (Persian, Hindi) and emoji

# Python knows no scripts, but the names of characters tell them. The names from "IDEOGRAPHIC" on are the
# iteration marks and numerals that go with Han and kana.
SCRIPTS_WITHOUT_SPACES = (
    "CJK UNIFIED IDEOGRAPH",
    "CJK COMPATIBILITY IDEOGRAPH",
    "HIRAGANA ",
    "KATAKANA ",
    "KATAKANA-HIRAGANA ",
    "HALFWIDTH KATAKANA",
    "HENTAIGANA ",
    "THAI ",
    "LAO ",
    "KHMER ",
    "MYANMAR ",
    "IDEOGRAPHIC ",
    "HANGZHOU NUMERAL ",
    "VERTICAL KANA ",
    "VERTICAL IDEOGRAPHIC ",
    "MASU MARK",
    "OLD CHINESE ",
)


def is_word(character: str) -> bool:
    """Letters and numbers of the scripts written with spaces, and the digits of all scripts."""
    category = unicodedata.category(character)
    if category in ("Nd", "No"):
        return True
    return category[0] in "LN" and not unicodedata.name(character, "").startswith(SCRIPTS_WITHOUT_SPACES)


def is_mark(character: str) -> bool:
    """Whatever stays with the character before it: accents, vowel signs, variation selectors, joiners."""
    return unicodedata.category(character)[0] == "M" or character in JOINERS


def is_separator(character: str) -> bool:
    """Spaces, line and paragraph ends, control characters."""
    return unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc") or character == ZERO_WIDTH_SPACE


def replacement(character: str) -> str:
    """What stands for the character in tokens: its NFKC form, a few invisible or look-alike ones apart."""
    if character in DROPPED:
        return ""
    return "'" if character == APOSTROPHE else unicodedata.normalize("NFKC", character)


def changes(change: Callable[[str], str], characters: Iterable[str]) -> dict[str, str]:
    """The characters that a change does not leave alone, with what becomes of them."""
    return {character: change(character) for character in characters if change(character) != character}


def ranges(belongs: Callable[[str], bool], characters: Iterable[str]) -> str:
    """The inside of a [...] that matches the characters which belong; they must come in order."""
    found: list[list[str]] = []
    for character in filter(belongs, characters):
        if found and ord(character) == ord(found[-1][1]) + 1:
            found[-1][1] = character
        else:
            found.append([character, character])
    return "".join(first if first == last else f"{first}-{last}" for first, last in found)


def rule(characters: list[str]) -> str:
    """The JSON text of the rule over these characters, in ASCII so that no editor can normalize it."""
    tables = {
        "version": VERSION,
        "unicode": UNICODE,
        "pattern": PATTERN,
        "W": ranges(is_word, characters),
        "M": ranges(is_mark, characters),
        "Z": ranges(is_separator, characters),
        "replace": changes(replacement, characters),
        "lower": changes(str.lower, characters),
    }
    return json.dumps(tables, indent=0) + "\n"


def assigned() -> list[str]:
    """Every character that the running Python's Unicode defines, without the surrogates, in order."""
    return [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]


def main() -> None:
    if unicodedata.unidata_version != UNICODE:
        sys.exit(f"This Python has Unicode {unicodedata.unidata_version}, not {UNICODE}: take Python 3.10.")
    TARGET.write_text(rule(assigned()), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
