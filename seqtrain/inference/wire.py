"""Protocol buffers as they lie in a file, read by a strict schema and without a copy of what they hold.

A message is a row of fields: a varint that says number and kind, then a varint, or a length and so many bytes
(https://protobuf.dev/programming-guides/encoding). A schema names the fields that a message may have. What it does not
name is refused, so nothing in a file goes unread: not what is too new, and not what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

VARINT, BYTES = 0, 2
LONGEST_TEXT = 1000  # bytes; of names, all other text is taken as bytes


class Field(NamedTuple):
    """kind: int, str, bytes (a view is returned) or the schema of a message. many: whether it may come repeatedly."""

    name: str
    kind: type[int] | type[str] | type[bytes] | Mapping[int, Field | Refused]
    many: bool = False


class Refused(NamedTuple):
    """A field that is known, and not wanted; what: for a message."""

    what: str


Schema = Mapping[int, Field | Refused]


class Decoder:
    """Reads messages that have no more than so many fields together: each takes far more memory than its bytes."""

    def __init__(self, most_fields: int) -> None:
        self._left = most_fields

    def decode(self, message: memoryview, schema: Schema) -> dict[str, Any]:
        """Field name → value, of a field that may come repeatedly a list; those that are missing are None or empty.

        Raises ValueError for anything that the schema does not allow, and for a file cut short.
        """
        values: dict[str, Any] = {
            field.name: [] if field.many else None for field in schema.values() if isinstance(field, Field)
        }
        for number, raw in _fields(message):
            self._count()
            field = schema.get(number)
            if not isinstance(field, Field):
                raise ValueError(f"there is {field.what if field else f'an unknown field, {number}'}")
            value = self._value(raw, field)
            if field.many:
                values[field.name].append(value)
            elif values[field.name] is None:
                values[field.name] = value
            else:
                raise ValueError(f"{field.name} is there twice")
        return values

    def _count(self) -> None:
        if not self._left:
            raise ValueError("there are too many parts")
        self._left -= 1

    def _value(self, raw: int | memoryview, field: Field) -> Any:
        if isinstance(raw, int) != (field.kind is int):
            raise ValueError(f"{field.name} is of another kind")
        if isinstance(raw, int) or field.kind is bytes:
            return raw
        if isinstance(field.kind, Mapping):
            return self.decode(raw, field.kind)
        if len(raw) > LONGEST_TEXT:
            raise ValueError(f"{field.name} has {len(raw):,} bytes")
        return str(raw, "utf-8")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an int, or the bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        value, position = _varint(message, position)
        if key & 7 == VARINT:
            yield key >> 3, value
        elif key & 7 == BYTES:
            start, position = position, position + value
            if position > len(message):
                raise ValueError("it is cut short")
            yield key >> 3, message[start:position]
        else:
            raise ValueError("it is no model file")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the position behind it."""
    value = 0
    for index, byte in enumerate(message[position : position + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError("it is cut short, or no model file")
