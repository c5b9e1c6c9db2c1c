from __future__ import annotations

import pytest

from seqtrain.suggestion import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("lstmm", ["gru", "lstm"], "lstm"),
        ("LSTM", ["gru", "lstm"], "lstm"),
        ("postive", ["Positive", "negative"], "Positive"),
        ("transformer", ["gru", "lstm"], None),
        ("", ["gru"], None),
        ("gru", [], None),
    ],
)
def test_nearest(word: str, known: list[str], expected: str | None) -> None:
    assert nearest(word, known) == expected


def test_question_is_ready_to_append_to_a_message() -> None:
    assert "label 'postive' is not known." + did_you_mean("postive", ["pos", "positive"]) == (
        "label 'postive' is not known. Did you mean 'positive'?"
    )
    assert did_you_mean("7", ["pos", "neg"]) == ""
