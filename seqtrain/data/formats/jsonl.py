"""`.jsonl`: one JSON object a line."""

from __future__ import annotations

import json
from typing import Any

from seqtrain.data.formats.record import (
    Columns,
    Example,
    Parse,
    RowError,
    Source,
    byte_column,
    checked_weight,
    decode,
)
from seqtrain.errors import DataError

_TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
_Key = int | str | None  # as Columns has them; `jsonl` lets none but str through


def jsonl(source: Source) -> Parse:
    """Columns are keys; an object may have further ones."""
    columns = source.columns or Columns(label="label", text="text")
    if any(isinstance(column, int) for column in source.used(columns)):
        problem = f"{source.name}: JSON objects have keys, not column numbers"
        raise DataError(problem, hint="Name the keys, in data.columns or with --keep.")
    weighted = source.labelled and columns.weight is not None

    def parse(line: bytes, number: int) -> Example:
        row = _object(line)
        text = " ".join([_text(row, key) for key in columns.texts])
        label = _label(row, columns.label) if source.labelled else None
        weight = _weight(row, columns.weight) if weighted else 1.0
        return source.example(text, label, weight, number, tuple([_kept(row, key) for key in source.keep]))

    return parse


def _object(line: bytes) -> dict[Any, Any]:
    text = decode(line)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise RowError("broken JSON", f"not JSON: {error.msg}", byte_column(text, error.pos)) from error
    except ValueError as error:
        raise RowError("broken JSON", "a number has thousands of digits") from error
    except RecursionError as error:
        raise RowError("broken JSON", "brackets are nested thousands deep") from error
    if not isinstance(value, dict):
        raise RowError("wrong JSON type", f"{_TYPE_NAMES[type(value)]} where an object is needed")
    return value


def _field(row: dict[Any, Any], key: _Key, *types: type) -> Any:
    """The value of a key that must be there and be of one of the types, the first of which is the usual one."""
    value = _value(row, key)
    if type(value) not in types:
        needed = _TYPE_NAMES[types[0]]
        raise RowError("wrong JSON type", f"{key!r} is {_TYPE_NAMES[type(value)]}, not {needed}")
    return value


def _value(row: dict[Any, Any], key: _Key) -> Any:
    if key not in row:
        raise RowError("missing column", f"the object has no key {key!r}")
    return row[key]


def _text(row: dict[Any, Any], key: _Key) -> str:
    return _encodable(_field(row, key, str))


def _label(row: dict[Any, Any], key: _Key) -> str:
    """The label as a string; for a whole number, true or false that is what JSON writes for it."""
    label = _field(row, key, str, int, bool)
    return _encodable(label) if isinstance(label, str) else json.dumps(label)


def _weight(row: dict[Any, Any], key: _Key) -> float:
    weight = _field(row, key, float, int)
    return checked_weight(weight, str(weight))


def _kept(row: dict[Any, Any], key: _Key) -> Any:
    """A value of any type, whose strings must be fit to be written again."""
    value = _value(row, key)
    _encodable(json.dumps(value, ensure_ascii=False))
    return value


def _encodable(text: str) -> str:
    """The same text. RowError if escapes in it stand for NUL or for half a surrogate pair."""
    if "\0" in text:
        raise RowError("NUL", r"a string holds NUL (\u0000); remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise RowError("undecodable bytes", f"a string holds {half}, half of a surrogate pair") from error
    return text
