"""Bad rows on their way to one message."""

from __future__ import annotations

import pytest

from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError


def bad(line, kind="empty text"):
    return BadRow("a.tsv", line, kind, f"the {kind} of line {line}")


def good(line):
    return Example("fine", "pos", 1.0, "a.tsv", line)


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
        "1 of 1 row cannot be used: 1 empty text\n"
        "  a.tsv:3: the empty text of line 3\n"
        "  Correct these rows or take them out."
    )


def test_the_first_twenty_are_shown_and_all_are_counted():
    rows = [bad(line, "NUL" if line % 3 == 0 else "empty text") for line in range(1, 1501)]
    lines = message(rows).split("\n")
    assert lines[0] == "1,500 of 1,500 rows cannot be used: 1,000 empty text, 500 NUL"
    assert lines[1:21] == [f"  a.tsv:{row.line}: {row.message}" for row in rows[:20]]
    assert lines[21:] == ["  … and 1,480 more", "  Correct these rows or take them out."]


def test_exactly_twenty_leave_no_more():
    assert "more" not in message([bad(line) for line in range(1, 21)])


def test_usable_passes_examples_on_and_keeps_the_rest():
    examples = [Example("one", "pos", 1.0, "a.tsv", 1), Example("two", "neg", 1.0, "a.tsv", 4)]
    problems = Problems()
    assert list(problems.usable([examples[0], bad(2), bad(3), examples[1]])) == examples
    with pytest.raises(DataError, match=r"^2 of 4 rows"):
        problems.raise_if_any()


def test_rows_are_counted():
    problems = Problems(lambda row: None)
    assert str(problems) == "0 rows used, 0 rejected"
    list(problems.usable([good(1)]))
    assert str(problems) == "1 row used, 0 rejected"
    rows = [
        good(line) if line % 5 else bad(line, "NUL" if line % 3 else "empty text") for line in range(2, 5002)
    ]
    assert len(list(problems.usable(rows))) == 4000
    assert (problems.used, problems.rejected) == (4001, 1000)
    assert problems.kinds == {"NUL": 667, "empty text": 333}
    assert str(problems) == "4,001 rows used, 1,000 rejected: 667 NUL, 333 empty text"
    assert problems.listing() == [*map(str, problems.first), "… and 980 more"]
    assert len(problems.first) == 20


def test_rows_that_somebody_takes_are_no_error():
    taken = []
    problems = Problems(taken.append)
    rows = [bad(line) for line in range(1, 100)]
    assert list(problems.usable([*rows, good(100)])) == [good(100)]
    assert taken == rows
    problems.raise_if_any()


def test_unless_no_other_is_left():
    problems = Problems(lambda row: None)
    problems.raise_if_any()
    assert list(problems.usable([bad(1), bad(2, "NUL")])) == []
    with pytest.raises(DataError) as caught:
        problems.raise_if_any()
    assert str(caught.value) == (
        "no row is left: 2 of 2 rows cannot be used: 1 empty text, 1 NUL\n"
        "  a.tsv:1: the empty text of line 1\n"
        "  a.tsv:2: the NUL of line 2\n"
        "  Correct these rows or take them out."
    )


def test_a_file_that_is_read_twice_has_its_bad_rows_once():
    problems = Problems(lambda row: None)
    rows = [bad(1), good(2), bad(7), good(8), bad(9)]
    other = BadRow("b.tsv", 3, "NUL", "")
    for _ in range(3):
        list(problems.usable([*rows, other]))
    assert problems.first == [rows[0], rows[2], rows[4], other]


def test_a_row_of_another_label_is_rejected_as_it_stands_in_its_file():
    taken = []
    problems = Problems(taken.append)
    rows = [
        Example("fine", label, 1.0, "a.tsv", line, b"row") for line, label in enumerate(["pos", "poz"], 1)
    ]
    assert list(problems.usable(rows, ["neg", "pos"])) == rows[:1]
    message = "label 'poz' is not among neg, pos. Did you mean 'pos'?"
    assert taken == [BadRow("a.tsv", 2, "unknown label", message, None, b"row")]
    assert (problems.used, problems.rejected) == (1, 1)


def test_labels_in_messages_are_cut():
    problems = Problems(lambda row: None)
    labels = ["x" * 100_000, *map(str, range(5000))]
    list(problems.usable([Example("fine", "y" * 100_000, 1.0, "a.tsv", 1)], labels))
    assert len(str(problems.first[0])) < 300


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
