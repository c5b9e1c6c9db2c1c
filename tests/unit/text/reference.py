"""The tokenizers once more: one character at a time, by what the running Python knows of Unicode, slow and plain.

Right for the characters of Unicode 13.0, whose properties later versions left as they were.
"""

from __future__ import annotations

import unicodedata

from hypothesis import strategies

# What Unicode 14.0 to 15.1 added, the versions of Python 3.11 to 3.13.
NEWER = """
    61D 870-88E 890-891 898-89F 8B5 8C8-8D2 C3C C5D CDD CF3 ECE 170D 1715 171F 180F 1AC1-1ACE 1B4C
    1B7D-1B7E 1DFA 20C0 2C2F 2C5F 2E53-2E5D 2FFC-2FFF 31EF 9FFD-9FFF A7C0-A7C1 A7D0-A7D1 A7D3 A7D5-A7D9
    A7F2-A7F4 FBC2 FD40-FD4F FDCF FDFE-FDFF 10570-1057A 1057C-1058A 1058C-10592 10594-10595 10597-105A1
    105A3-105B1 105B3-105B9 105BB-105BC 10780-10785 10787-107B0 107B2-107BA 10EFD-10EFF 10F70-10F89
    11070-11075 110C2 1123F-11241 116B9 11740-11746 11AB0-11ABF 11B00-11B09 11F00-11F10 11F12-11F3A
    11F3E-11F59 12F90-12FF2 1342F 13439-13455 16A70-16ABE 16AC0-16AC9 1AFF0-1AFF3 1AFF5-1AFFB
    1AFFD-1AFFE 1B11F-1B122 1B132 1B155 1CF00-1CF2D 1CF30-1CF46 1CF50-1CFC3 1D1E9-1D1EA 1D2C0-1D2D3
    1DF00-1DF1E 1DF25-1DF2A 1E030-1E06D 1E08F 1E290-1E2AE 1E4D0-1E4F9 1E7E0-1E7E6 1E7E8-1E7EB
    1E7ED-1E7EE 1E7F0-1E7FE 1F6DC-1F6DF 1F774-1F776 1F77B-1F77F 1F7D9 1F7F0 1F979 1F9CC 1FA75-1FA77
    1FA7B-1FA7C 1FA87-1FA88 1FAA9-1FAAF 1FAB7-1FABD 1FABF 1FAC3-1FAC5 1FACE-1FACF 1FAD7-1FADB
    1FAE0-1FAE8 1FAF0-1FAF8 2A6DE-2A6DF 2B735-2B739 2EBF0-2EE5D 31350-323AF
"""

# Blocks of Han, kana, Thai, Lao, Myanmar and Khmer; what they hold besides letters is no word anyway.
WITHOUT_SPACES = """
    E00-EFF 1000-109F 1780-17FF 3005-3007 3021-3029 3031-3035 3038-303C 3041-30FF 31F0-31FF 3400-4DBF 4E00-9FFF
    A9E0-A9FF AA60-AA7F F900-FAFF FF66-FF9F 16FE3 1B000-1B16F 20000-3FFFF
"""

DROPPED = [0xAD, 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]


def code_points(ranges: str) -> set[int]:
    """The numbers in a list of hexadecimal ranges, both ends included."""
    ends = [part.split("-") for part in ranges.split()]
    return {number for end in ends for number in range(int(end[0], 16), int(end[-1], 16) + 1)}


_newer, _without_spaces = code_points(NEWER), code_points(WITHOUT_SPACES)


def in_unicode_13(character: str) -> bool:
    """Whether Unicode 13.0 defines the character; surrogates are none."""
    return unicodedata.category(character) not in ("Cn", "Cs") and ord(character) not in _newer


CHARACTERS = [character for character in map(chr, range(0x110000)) if in_unicode_13(character)]

# Texts in which each case of the rule comes up often, and any character at all.
TRICKY = "aZé9'’_-. \t\n\0\x85\xa0\xad\xb4\u0301\u200b\u200c\u200d\u2028\ufeff\ufdfaﬁ½İıΣßไท๒ក្មဂ်中々カーｶﾞ가☺\ufe0f👩🏽"
texts = strategies.text(
    strategies.sampled_from(TRICKY)
    | strategies.characters().filter(in_unicode_13)
    | strategies.just("\ud800")
)


def is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me") or character in "\u200c\u200d"


def is_separator(character: str) -> bool:
    return unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc") or character == "\u200b"


def is_word(character: str) -> bool:
    """Letters and numbers, but of the scripts without spaces only the digits."""
    category = unicodedata.category(character)
    return category in ("Nd", "No") or (category[0] in "LN" and ord(character) not in _without_spaces)


def mapped(text: str, lowercase: bool) -> str:
    """The text with each character replaced on its own."""
    result = ""
    for character in text:
        if unicodedata.category(character) == "Cs":
            result += "\ufffd"
        elif character == "’":
            result += "'"
        elif ord(character) not in DROPPED:
            result += unicodedata.normalize("NFKC", character)
    return "".join(character.lower() for character in result) if lowercase else result


def word(text: str, lowercase: bool) -> list[str]:
    characters = mapped(text, lowercase) + "\n\n"  # an end to look ahead to
    tokens = []
    position = 0
    while position < len(characters):
        start = position
        position += 1
        if is_separator(characters[start]):
            continue
        while is_mark(characters[position]) or (
            is_word(characters[start])
            and (
                is_word(characters[position])
                or (characters[position] == "'" and is_word(characters[position + 1]))
            )
        ):
            position += 1
        tokens.append(characters[start:position])
    return tokens


def whitespace(text: str, lowercase: bool) -> list[str]:
    runs = "".join("\n" if is_separator(character) else character for character in text).split("\n")
    kept = ["".join(c for c in mapped(run, lowercase) if not is_separator(c)) for run in runs]
    return [token for token in kept if token]


def char(text: str, lowercase: bool) -> list[str]:
    return [" " if is_separator(character) else character for character in mapped(text, lowercase)]


REFERENCES = {"word": word, "whitespace": whitespace, "char": char}
