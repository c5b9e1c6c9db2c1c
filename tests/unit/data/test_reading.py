"""How files are read, as run.json says it: it comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.reader import Columns
from seqtrain.data.reading import Reading

column = st.integers(0, 100) | st.text()
columns = st.builds(
    Columns,
    label=column | st.none(),
    text=column | st.lists(column, min_size=1).map(tuple),
    weight=column | st.none(),
)


@given(st.none() | columns, st.integers(min_value=1))
def test_what_is_written_is_read_back(columns: Columns | None, most: int) -> None:
    reading = Reading(columns, most)
    assert Reading.from_facts(json.loads(json.dumps(reading.facts()))) == reading


GOOD = {"label": 0, "text": 1, "weight": None}
WRONG = [
    None,
    [],
    {},
    {"columns": None},
    {"columns": None, "max_line_bytes": 0},
    {"columns": None, "max_line_bytes": "much"},
    {"columns": [0, 1], "max_line_bytes": 10},
    {"columns": {"text": 1}, "max_line_bytes": 10},
    *(
        {"columns": {**GOOD, key: value}, "max_line_bytes": 10}
        for key in GOOD
        for value in (-1, 1.5, True, {}, [[]], [-1], [None])
    ),
    {"columns": {**GOOD, "text": []}, "max_line_bytes": 10},
    {"columns": {**GOOD, "text": None}, "max_line_bytes": 10},
    {"columns": GOOD, "max_line_bytes": -1},
]


@pytest.mark.parametrize("facts", WRONG, ids=str)
def test_anything_else_is_refused(facts: object) -> None:
    with pytest.raises(ValueError, match="does not say how files are read"):
        Reading.from_facts(facts)


def test_the_good_one_would_not_be() -> None:
    assert Reading.from_facts({"columns": GOOD, "max_line_bytes": 10}) == Reading(Columns(0, 1), 10)
