"""Bad rows on their way to one message."""

from __future__ import annotations

import pytest

from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError


def bad(line, kind="empty text"):
    return BadRow("a.tsv", line, kind, f"the {kind} of line {line}")


def message(rows):
    problems = Problems()
    for row in rows:
        problems.add(row)
    with pytest.raises(DataError) as caught:
        problems.raise_if_any()
    return str(caught.value)


def test_no_problem_no_error():
    Problems().raise_if_any()


def test_one_bad_row():
    assert message([bad(3)]) == (
        "1 row cannot be used: 1 empty text\n"
        "  a.tsv:3: the empty text of line 3\n"
        "  Correct these rows or take them out."
    )


def test_the_first_twenty_are_shown_and_all_are_counted():
    rows = [bad(line, "NUL" if line % 3 == 0 else "empty text") for line in range(1, 1501)]
    lines = message(rows).split("\n")
    assert lines[0] == "1,500 rows cannot be used: 1,000 empty text, 500 NUL"
    assert lines[1:21] == [f"  a.tsv:{row.line}: {row.message}" for row in rows[:20]]
    assert lines[21:] == ["  … and 1,480 more", "  Correct these rows or take them out."]


def test_exactly_twenty_leave_no_more():
    assert "more" not in message([bad(line) for line in range(20)])


def test_usable_passes_examples_on_and_keeps_the_rest():
    examples = [Example("one", "pos", 1.0, "a.tsv", 1), Example("two", "neg", 1.0, "a.tsv", 4)]
    problems = Problems()
    assert list(problems.usable([examples[0], bad(2), bad(3), examples[1]])) == examples
    with pytest.raises(DataError, match=r"^2 rows"):
        problems.raise_if_any()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a"] * 1002, "a, a and 1,000 more"),
    ],
)
def test_listed(names, expected):
    assert listed(names, limit=2) == expected
