"""What counts as the same text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data.checks.normal import normalised

WORDS = st.lists(st.sampled_from(["it", "good", "été", "не", "映画", "हिन्दी", "3"]), min_size=1, max_size=6)
GAPS = st.text(" \t\n.,!?-–—'’“”«»…。、()\u00a0\u200b", min_size=1, max_size=3)


@settings(deadline=None)
@given(WORDS, st.data())
def test_gaps_and_case_do_not_matter(words: list[str], data: st.DataObject) -> None:
    cased = [data.draw(st.sampled_from([word, word.upper(), word.title()])) for word in words]
    gaps = [data.draw(GAPS) for _ in words]
    text = "".join(gap + word for gap, word in zip(gaps, cased, strict=True)) + data.draw(GAPS)
    assert normalised(text) == " ".join(words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("good film", "goodfilm"),
        ("3.5", "35"),
        ("👍", "👎"),
        ("हिन्दी", "हिन्दू"),
        ("cafe", "café"),
        ("$5", "€5"),
    ],
)
def test_what_matters(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@settings(deadline=None)
@given(st.text())
def test_once_is_enough(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_marks_alone_leave_nothing() -> None:
    assert normalised(" ... \u200b!") == ""
