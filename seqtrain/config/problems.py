"""What is wrong with the values of a config, and what to do about it, in the words of its user."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from seqtrain.config.yaml_source import KeyPath
from seqtrain.suggestion import did_you_mean, nearest

_LONGEST = 60
_TRUTHS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value of a key; `others`: the keys that it is in conflict with."""

    path: KeyPath
    message: str
    others: tuple[KeyPath, ...] = ()


class Conflict(ValueError):
    """A value that is impossible together with those of other keys of the same section."""

    def __init__(self, message: str, *others: str) -> None:
        super().__init__(message)
        self.others = others


def shown(value: Any) -> str:
    """A value as its user would write it, shortened.

    >>> shown("five"), shown(True), shown([1, None])
    ("'five'", 'true', '[1, null]')
    """
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def translate(error: ValidationError, schema: type[BaseModel]) -> list[Problem]:
    """The problems that pydantic found in values for `schema`."""
    return [_problem(item, schema) for item in error.errors(include_url=False)]


def sections(schema: type[BaseModel], path: KeyPath = ()) -> dict[KeyPath, type[BaseModel]]:
    """The schema and all the sections in it, by path; the path of the schema is ()."""
    found = {path: schema}
    for name, field in schema.model_fields.items():
        section = _section_type(field)
        if section is not None:
            found |= sections(section, (*path, name))
    return found


def unknown_key(path: KeyPath, schema: type[BaseModel]) -> str:
    """Says that there is no such key, and which one may be meant: a neighbour, or one of another section."""
    known = sections(schema)
    siblings = list(known[path[:-1]].model_fields) if path[:-1] in known else []
    everywhere = {name: (*section, name) for section in known for name in known[section].model_fields}
    word, what = path[-1], "key" if path[:-1] else "section"
    neighbour, distant = nearest(word, siblings), nearest(word, everywhere)
    if word not in everywhere and neighbour is not None:
        meant: KeyPath = (*path[:-1], neighbour)
    elif distant is not None:
        meant = everywhere[distant]
    elif siblings:
        return f"unknown {what}. Known here: {', '.join(siblings)}."
    else:
        return f"unknown {what}. There is no section '{'.'.join(path[:-1])}'."
    return f"unknown {what}. Did you mean '{'.'.join(meant)}'?"


def _problem(item: Mapping[str, Any], schema: type[BaseModel]) -> Problem:
    path = tuple(part for part in item["loc"] if isinstance(part, str))  # places in a list are left out
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return Problem(path, unknown_key(path, schema))
    field = _field(path, schema)
    if kind == "missing":
        return Problem(path, f"is missing. Add it: {field.description}")
    if value is None:
        return Problem(path, f"has no value. Write one such as {_example(field)}, or delete the line.")
    if isinstance(context.get("error"), Conflict):
        others = tuple((*path[:-1], other) for other in context["error"].others)
        return Problem(path, str(context["error"]), others)
    return Problem(path, _MESSAGES[kind](value, context, field))


_MESSAGES: dict[str, Callable[[Any, Mapping[str, Any], FieldInfo], str]] = {
    "value_error": lambda value, context, field: str(context["error"]),
    "literal_error": lambda value, context, field: _not_one_of(value, _choices(field.annotation)),
    "int_type": lambda value, context, field: f"{shown(value)} is not a whole number. {_such_as(field)}",
    "float_type": lambda value, context, field: f"{shown(value)} is not a number. {_such_as(field)}",
    "finite_number": lambda value, context, field: (
        f"{shown(value)} is not a finite number. {_such_as(field)}"
    ),
    "string_type": lambda value, context, field: f"{shown(value)} is not text. Put it in quotes.",
    "bool_type": lambda value, context, field: _not_a_truth_value(value),
    "model_type": lambda value, context, field: f"{shown(value)} is no section. {_ways_to_write(field)}",
    "too_short": lambda value, context, field: "is an empty list. Name at least one.",
    "greater_than": lambda value, context, field: (
        f"{shown(value)} is too small. Write more than {context['gt']:g}."
    ),
    "greater_than_equal": lambda value, context, field: (
        f"{shown(value)} is too small. Write {context['ge']} or more."
    ),
    "less_than": lambda value, context, field: (
        f"{shown(value)} is too large. Write less than {context['lt']:g}."
    ),
    "less_than_equal": lambda value, context, field: (
        f"{shown(value)} is too large. Write {context['le']} or less."
    ),
}


def _not_one_of(value: Any, choices: tuple[str, ...]) -> str:
    suggestion = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{shown(value)} is not one of {', '.join(choices)}.{suggestion or ' Write one of them.'}"


def _not_a_truth_value(value: Any) -> str:
    meant = _TRUTHS.get(str(value).lower(), "true or false")
    return f"{shown(value)} is neither true nor false. Write {meant}."


def _ways_to_write(section: FieldInfo) -> str:
    ways = ["its keys below it, indented"]
    kind = _section_type(section)
    if section.default is None and kind is not None:
        if not any(key.is_required() for key in kind.model_fields.values()):
            ways.append("{} for its defaults")
        ways.append("null for none")
    return f"Write {', or '.join(ways)}."


def _such_as(field: FieldInfo) -> str:
    return f"Write one such as {_example(field)}."


def _example(field: FieldInfo) -> str:
    values = field.examples or [field.get_default()]
    return shown(values[0]).strip("'")


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of the Literal in a type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((choices for part in get_args(annotation) if (choices := _choices(part))), ())


def _field(path: KeyPath, schema: type[BaseModel]) -> FieldInfo:
    return sections(schema)[path[:-1]].model_fields[path[-1]]


def is_optional(path: KeyPath, schema: type[BaseModel]) -> bool:
    """Whether a config may go without this key of it, be it a section."""
    return bool(path) and _field(path, schema).default is None


def _section_type(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds, if it holds one, be it or None."""
    types = [each for each in (field.annotation, *get_args(field.annotation)) if get_origin(each) is None]
    return next((each for each in types if isinstance(each, type) and issubclass(each, BaseModel)), None)
