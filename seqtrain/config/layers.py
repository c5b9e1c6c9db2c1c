"""The values of a config before they are checked: a file or mapping, overrides on top, and where each came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from seqtrain.config import yaml_source
from seqtrain.config.problems import Problem, is_optional, sections, shown, unknown_key
from seqtrain.config.yaml_source import KeyPath, NotYaml
from seqtrain.errors import UsageError
from seqtrain.suggestion import nearest

# Room for any real config, with thousands of file names; PyYAML reads about 0.1 MB a second.
MOST_BYTES = 1 << 18


@dataclass(frozen=True, order=True)
class Place:
    """Where a value was written; the order of places is that of the messages."""

    layer: int  # 0: file or mapping, 1: overrides
    number: int  # line, or position among the overrides
    name: str


@dataclass
class Layers:
    """values, and the problems met in making them. top: where a key counts as missing; overrides: what set a key."""

    top: Place
    values: dict[str, Any]
    places: dict[KeyPath, Place] = field(default_factory=dict)
    overrides: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[tuple[Place, KeyPath, str]] = field(default_factory=list)

    @classmethod
    def of_file(cls, path: Path) -> Layers:
        """Reads a YAML file. UsageError where it cannot be read, is not YAML, or is not made of sections."""
        text = _read_text(path)
        try:
            document = yaml_source.read(text)
        except NotYaml as error:
            raise UsageError(f"{path}:{error.line}: {error}") from error
        if document.value is None:
            raise UsageError(f"{path}: is empty. It has to say at least data.train and data.dev.")
        if not isinstance(document.value, dict):
            raise UsageError(
                f"{path}:1: {shown(document.value)} is no section. Write sections such as 'data:'."
            )
        layers = cls(_line(path, 1), document.value)
        layers.places = {key: _line(path, line) for key, line in document.lines.items()}
        layers.problems = [(_line(path, line), key, message) for line, key, message in document.problems]
        return layers

    @classmethod
    def of_mapping(cls, values: Mapping[str, Any]) -> Layers:
        return cls(Place(0, 0, "config"), {str(key): _plain(value) for key, value in values.items()})

    def override(self, text: str, position: int, schema: type[BaseModel]) -> None:
        """Puts the value of `a.b=c` in its place; what is wrong with it becomes a problem."""
        place = Place(1, position, f"--set {text}")
        key, equals, value = text.partition("=")
        path = tuple(key.strip().split("."))
        if not equals:
            self.problems.append((place, (), "has no '='. Write key=value, as in training.epochs=3."))
            return
        try:
            read = yaml_source.read(value).value
            _check_key(path, read, schema)
            self._put(path, read, place)
            self.overrides[path] = place.name
        except (NotYaml, _WrongKey) as error:
            self.problems.append((place, path, str(error)))

    def error(self, problems: Iterable[Problem] = ()) -> UsageError:
        """All problems, a line each, in the order of the file and then of the overrides."""
        placed = [(self._place(problem), problem.path, problem.message) for problem in problems]
        lines = [
            ": ".join(part for part in (place.name, ".".join(path), message) if part)
            for place, path, message in sorted([*self.problems, *placed], key=itemgetter(0))
        ]
        return UsageError("\n".join(lines))

    def origins(self, values: Mapping[str, Any], section: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
        """Where the value of each key comes from; `values` are those of the checked config, without the sections."""
        for name, value in values.items():
            key = (*section, name)
            if isinstance(value, Mapping):
                yield from self.origins(value, key)
            else:
                place = self.places[key].name if key in self.places else "default"
                # YAML has no controls, and a file name may have some.
                yield key, "".join(sign if sign.isprintable() else "?" for sign in place)

    def _put(self, path: KeyPath, value: Any, place: Place) -> None:
        section = self.values
        for depth, name in enumerate(path[:-1], start=1):
            if section.get(name) is None:
                section[name] = {}
                self.places.setdefault(path[:depth], place)
            section = section[name]
            if not isinstance(section, dict):
                return  # a problem of the file, which the check reports
        section[path[-1]] = value
        self.places[path] = place

    def _place(self, problem: Problem) -> Place:
        """That of the key or of one it conflicts with, whichever was written last; else that of its section."""
        written = [self.places[path] for path in (problem.path, *problem.others) if path in self.places]
        if written:
            return max(written)
        above = (problem.path[:length] for length in range(len(problem.path) - 1, 0, -1))
        return next((self.places[path] for path in above if path in self.places), self.top)


class _WrongKey(Exception):
    """A key that an override cannot set."""


def _line(path: Path, number: int) -> Place:
    return Place(0, number, f"{path}:{number}")


def _check_key(path: KeyPath, value: Any, schema: type[BaseModel]) -> None:
    known = sections(schema)
    if path in known:
        if value in (None, {}) and is_optional(path, schema):
            return
        key = ".".join((*path, next(iter(known[path].model_fields))))
        raise _WrongKey(f"is a section. Name one of its keys, such as {key}.")
    if path[:-1] not in known or path[-1] not in known[path[:-1]].model_fields:
        raise _WrongKey(unknown_key(path, schema))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file.{_close_name(path)}") from error
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}. Name a YAML file that you may read."
        ) from error
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"{path}: has more than {MOST_BYTES:,} bytes. Name a config; data files stand in data.train."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8. Save the file as UTF-8.") from error


def _close_name(path: Path) -> str:
    """What the user may have meant, of the YAML files next to it."""
    try:
        neighbours = [name for name in os.listdir(path.parent) if name.endswith((".yaml", ".yml"))]
    except OSError:
        return f" There is no folder '{path.parent}'."
    near = nearest(path.name, neighbours)
    return " Name a YAML file." if near is None else f" Did you mean '{path.parent / near}'?"
