"""Texts that differ in case, white space and punctuation alone are the same text to who copied one of them."""

from __future__ import annotations

import unicodedata

_BLANK = {"Cc", "Cf"}  # controls and invisible marks; besides, all of P (punctuation) and Z (separators)


class _Plain(dict[int, int]):
    """A table for `str.translate` that is filled as code points come."""

    def __missing__(self, code_point: int) -> int:
        category = unicodedata.category(chr(code_point))
        blank = category[0] in "PZ" or category in _BLANK
        self[code_point] = ord(" ") if blank else code_point
        return self[code_point]


_PLAIN = _Plain()


def normalised(text: str) -> str:
    """The text without regard to case, white space and punctuation; empty if there is nothing else in it.

    >>> normalised("It’s  GOOD – really!"), normalised("...")
    ('it s good really', '')
    """
    return " ".join(text.casefold().translate(_PLAIN).split())
