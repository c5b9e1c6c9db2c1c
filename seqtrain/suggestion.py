"""What somebody probably meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, capitals aside, or None when nothing comes near.

    >>> nearest("LSTMM", ["lstm", "gru"])
    'lstm'
    """
    by_folded = {choice.casefold(): choice for choice in known}
    matches = get_close_matches(word.casefold(), list(by_folded), n=1)
    return by_folded[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to append to a message, with a space before it; empty when nothing comes near.

    >>> did_you_mean("postive", ["neg", "pos", "positive"])
    " Did you mean 'positive'?"
    """
    match = nearest(word, known)
    return "" if match is None else f" Did you mean {match!r}?"
