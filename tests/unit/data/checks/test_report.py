from __future__ import annotations

import pytest

from seqtrain.data.checks.report import ERROR, Finding, percent, raised, table


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0%"), (1, "100%"), (0.5, "50.0%"), (1e-9, "<0.1%"), (1 - 1e-9, ">99.9%"), (0.9994, ">99.9%")],
)
def test_a_share_is_shown_as_none_or_all_only_if_it_is(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_the_columns_of_a_table() -> None:
    assert table([["label", "train"], ["neg", "1,200"], ["x", "7"]]) == [
        "label  train",
        "neg    1,200",
        "x          7",
    ]


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("a.tsv: no such file\n  Did you mean 'b.tsv'?", "a.tsv: no such file", "Did you mean 'b.tsv'?"),
        ("a: 1\n  b: 2\n  Go.", "a: 1\n  b: 2", "Go."),
        ("a.tsv: cannot be read", "a.tsv: cannot be read", ""),
    ],
)
def test_an_error_as_a_finding(text: str, message: str, advice: str) -> None:
    assert raised(text) == Finding(ERROR, message, advice)
