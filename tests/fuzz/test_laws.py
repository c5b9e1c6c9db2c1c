"""The laws can be broken: a fault planted in the reader is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fuzzing import laws
from fuzzing.nasty import GOOD

from seqtrain.data.reader import BadRow, Example

Row = Example | BadRow
DATA = GOOD[".csv"] + b'pos,"\xff"\nneg,a\0b\npos\n'

FAULTS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "the first row left out, its line too": lambda rows: [
        replace(row, line=row.line - 1) for row in rows[1:]
    ],
    "a row left out": lambda rows: rows[:2] + rows[3:],
    "a row twice": lambda rows: rows[:3] + rows[2:],
    "two rows exchanged": lambda rows: [rows[1], rows[0], *rows[2:]],
    "the row of another": lambda rows: [replace(rows[0], row=rows[1].row), *rows[1:]],
    "a column too far": lambda rows: [
        replace(row, column=row.column + 1) if isinstance(row, BadRow) and row.column else row for row in rows
    ],
    "a label that is not asked for": lambda rows: [*rows[:1], replace(rows[1], label=None), *rows[2:]],
}


def check(data: bytes, fault: Callable[[list[Row]], list[Row]], monkeypatch: pytest.MonkeyPatch) -> None:
    read_stream = laws.read_stream

    def faulty(*arguments: Any, **options: Any) -> list[Row]:
        return fault(list(read_stream(*arguments, **options)))

    monkeypatch.setattr(laws, "read_stream", faulty)
    laws.check_reading(data, ".csv", None, True, 1000)


def test_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    check(DATA, list, monkeypatch)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        check(DATA, FAULTS[name], monkeypatch)
