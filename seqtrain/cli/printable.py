"""Text from files made fit for a terminal."""

from __future__ import annotations

import re

# All but tab and LF; and what stands for bytes of a file's name that are not UTF-8.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with its controls escaped: what stands in a file must not command the terminal.

    >>> print(printable("\x1b[2Ja.tsv:1: the text is empty"))
    \x1b[2Ja.tsv:1: the text is empty
    """
    return _CONTROLS.sub(lambda match: repr(match.group())[1:-1], text)
