"""YAML without its traps, and with the line of every key.

A plain word is a number, `true`, `false`, `null` or text, and nothing else: `no`, `2024-01-01`, `010` and `1_000` are
text, `1e-3` is a number, quoted words are always text. Aliases, tags and deep nesting are refused, so that a small
file cannot become a large value. Reading collects what is wrong with the values; only a file that is not YAML stops it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str, ...]

_PREFIX = "tag:yaml.org,2002:"
_NUMBER_STARTS = list("-+.0123456789")
# Up to 18 digits: a longer number fits no key, and Python refuses to convert very long ones.
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$")
_DECIMAL = re.compile(
    r"""[-+]?(?: \.[0-9]+ | (?:0|[1-9][0-9]*) (?:\.[0-9]*)? ) (?:[eE][-+]?[0-9]{1,4})? $""", re.VERBOSE
)
_RESOLVERS = {
    **{start: [(_PREFIX + "int", _WHOLE), (_PREFIX + "float", _DECIMAL)] for start in _NUMBER_STARTS},
    "t": [(_PREFIX + "bool", re.compile("true$"))],
    "f": [(_PREFIX + "bool", re.compile("false$"))],
    "n": [(_PREFIX + "null", re.compile("null$"))],
    "~": [(_PREFIX + "null", re.compile("~$"))],
    "": [(_PREFIX + "null", re.compile("$"))],
}
_SCALARS: dict[str, Callable[[str], Any]] = {
    _PREFIX + "int": int,
    _PREFIX + "float": float,
    _PREFIX + "bool": lambda text: text == "true",
    _PREFIX + "null": lambda text: None,
}
_DEEPEST = 10
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")  # of a surrogate pair; no file could hold it
_SYNTAX_HINTS = (
    (r"found character '\t'", "Indent with spaces, not tabs."),
    ("mapping values are not allowed", "Put text that contains ': ' in quotes."),
    ("while scanning an alias", "Put text that starts with * in quotes."),
    ("while scanning an anchor", "Put text that starts with & in quotes."),
    ("cannot start any token", "Put text that starts with a special character in quotes."),
)


class NotYaml(Exception):
    """Text that is not YAML, or uses more of YAML than is allowed. line counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Document:
    """A YAML text as plain values.

    lines: the line of every key of every mapping, counted from 1. problems: (line, key, what is wrong with it).
    """

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[tuple[int, KeyPath, str]] = field(default_factory=list)


def read(text: str) -> Document:
    """Reads one YAML document; an empty one has the value None.

    >>> read("model: {cell: gru, units: 64}").value
    {'model': {'cell': 'gru', 'units': 64}}
    """
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise NotYaml(_line(error.problem_mark or error.context_mark), _explain(error)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYaml(line, f"the character {error.character:#x} is not allowed. Delete it.") from error
    document = Document()
    document.value = None if node is None else _value(node, (), document)
    return document


def write(values: Mapping[str, Any], comments: Mapping[KeyPath, str]) -> str:
    """The YAML text that `read` turns into the same values, with a comment after the keys that have one."""
    text = yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    lines = text.split("\n")
    for path, line in read(text).lines.items():
        if path in comments:
            lines[line - 1] += f"  # {' '.join(comments[path].split())}"
    return "\n".join(lines)


def _value(node: yaml.Node, path: KeyPath, document: Document) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _SCALARS.get(node.tag, str)(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, path, document) for item in node.value]
    return _mapping(node, path, document)


def _mapping(node: yaml.Node, path: KeyPath, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, key = _line(key_node.start_mark), key_node.value
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(
                (line, path, "has a key that is a list or a mapping. Write a plain word.")
            )
            continue
        key_path = (*path, key)
        if key in values:
            message = (
                f"stands here a second time, after line {document.lines[key_path]}. Delete one of the two."
            )
            document.problems.append((line, key_path, message))
            continue
        document.lines[key_path] = line
        values[key] = _value(value_node, key_path, document)
    return values


def _line(mark: yaml.Mark | None) -> int:
    return 1 if mark is None else mark.line + 1


def _explain(error: yaml.MarkedYAMLError) -> str:
    for part, hint in _SYNTAX_HINTS:
        if part in f"{error.context} {error.problem}":
            return f"not valid YAML: {error.problem}. {hint}"
    where = f"{error.context} (line {_line(error.context_mark)}), " if error.context else ""
    return f"not valid YAML: {where}{error.problem}. Look at this line and the one above it."


class _Loader(yaml.SafeLoader):
    """PyYAML's loader up to the tree of nodes, with the rules of this module."""

    yaml_implicit_resolvers = _RESOLVERS
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise NotYaml(line, "aliases are not allowed. Put text that starts with * or & in quotes.")
        if event.tag is not None:
            raise NotYaml(line, "tags are not allowed. Put text that starts with ! in quotes.")
        if self._depth > _DEEPEST:
            raise NotYaml(line, f"nested more than {_DEEPEST} deep. A config needs no more than three.")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.ScalarNode) and _HALF_A_CHARACTER.search(node.value):
            raise NotYaml(line, "an escape stands for half a character. Write the character itself.")
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes what the loader would not read as text; lists stay on one line, texts too."""

    yaml_implicit_resolvers = _RESOLVERS

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _on_one_line(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if text and text.splitlines() != [text] else None
    return dumper.represent_scalar(_PREFIX + "str", text, style=style)


_Dumper.add_representer(str, _on_one_line)
_Dumper.add_representer(
    float, lambda dumper, number: dumper.represent_scalar(_PREFIX + "float", repr(number))
)
_Dumper.add_representer(
    list, lambda dumper, items: dumper.represent_sequence(_PREFIX + "seq", items, flow_style=True)
)
