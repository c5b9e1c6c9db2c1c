from __future__ import annotations

from seqtrain import errors


def test_each_kind_of_error_has_its_documented_exit_code() -> None:
    codes = {error.__name__: error.exit_code for error in errors.SeqtrainError.__subclasses__()}
    expected = {"UsageError": 2, "DataError": 3, "RunError": 4, "DivergenceError": 5, "GateError": 6}
    assert {name: codes[name] for name in expected} == expected


def test_a_hint_stands_on_a_line_of_its_own() -> None:
    assert str(errors.DataError("a.tsv:3: no label")) == "a.tsv:3: no label"
    assert str(errors.DataError("a.tsv:3: no label", hint="Delete it.")) == "a.tsv:3: no label\n  Delete it."
