"""Writes docs/configuration.md and docs/cli.md from the config's schema and the command line.

python tools/reference_docs.py           write both
python tools/reference_docs.py --check   exit with 1 if one of them is not what would be written
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from seqtrain.config import Config
from seqtrain.config.problems import sections
from seqtrain.errors import SeqtrainError

DOCS = Path(__file__).parent.parent / "docs"
NOTICE = "<!-- Written by `make docs`; edit the code instead. -->"
CONFIGURATION_INTRODUCTION = """\
A config is a YAML file of sections. `data.train` and `data.dev` are required, every other key has a default. A value
can be overridden on the command line, `--set model.cell=gru --set 'model.pooling=[mean, max]'`; the run folder keeps
the config with every default and override in it. Relative paths start where the command runs.

`1e-3` is a number, and only `true` and `false` are truth values: `no`, `yes`, dates and `010` are text. A key that
stands twice is an error, aliases and tags are refused. All problems of a config are reported at once, each with its
line."""
NO_LIMIT = 2**31 - 1  # what a whole number has room for; worth no word
EXIT_CODES = {
    0: "Done; also when the reader of the output goes away.",
    1: "Unexpected: a bug.",
    130: "Interrupted (SIGINT).",
    143: "Terminated (SIGTERM).",
}


def configuration_page(schema: type[BaseModel]) -> str:
    """A section for each section of the schema: its docstring and a table of its keys."""
    parts = ["# Configuration", NOTICE, CONFIGURATION_INTRODUCTION]
    for path, section in sections(schema).items():
        rows = [_key_row(name, key, (*path, name)) for name, key in _keys(section).items()]
        heading = [f"## {'.'.join(path)}"] if path else []
        parts += [
            *heading,
            inspect.getdoc(section) or "",
            _table(("key", "type", "default", "meaning"), rows),
        ]
    return _page(parts)


def cli_page(group: click.Group, name: str) -> str:
    """A section for each command of a click group, and one for the exit codes."""
    parts = ["# Command line", NOTICE]
    for context in _contexts(group, name, None):
        parts += _command_parts(context)
    codes = EXIT_CODES | {
        error.exit_code: inspect.getdoc(error) or "" for error in SeqtrainError.__subclasses__()
    }
    rows = [(str(code), meaning) for code, meaning in sorted(codes.items())]
    return _page([*parts, "## Exit codes", _table(("code", "when"), rows)])


def _keys(section: type[BaseModel]) -> Mapping[str, Mapping[str, Any]]:
    properties: Mapping[str, Mapping[str, Any]] = section.model_json_schema()["properties"]
    return properties


def _key_row(name: str, key: Mapping[str, Any], path: Sequence[str]) -> tuple[str, ...]:
    kind, default = _kind(key), "required"
    if "$ref" in json.dumps(key):
        dotted = ".".join(path)
        kind = f"section [{dotted}](#{dotted.replace('.', '')})"
    if "default" in key:
        default = "" if isinstance(key["default"], dict) else f"`{_shown(key['default'])}`"
    return f"`{name}`", kind, default, key.get("description", "")


def _kind(key: Mapping[str, Any]) -> str:
    """A type in words, from its JSON Schema."""
    if "anyOf" in key:
        return " or ".join(_kind(option) for option in key["anyOf"])
    if "enum" in key:
        return ", ".join(f"`{choice}`" for choice in key["enum"])
    if key.get("type") == "array":
        return f"list of {_kind(key['items'])}"
    if "const" in key:
        return f"`{key['const']}`"
    if key.get("type") == "object":
        return f"{_kind(key['additionalProperties'])} by label"
    words = {"string": "text", "boolean": "`true`, `false`", "null": "`null`"}
    return words.get(key.get("type", ""), f"{_number(key)}{_limits(key)}")


def _number(key: Mapping[str, Any]) -> str:
    return "whole number" if key.get("type") == "integer" else "number"


def _limits(key: Mapping[str, Any]) -> str:
    words = {"minimum": "≥", "exclusiveMinimum": "above", "maximum": "≤", "exclusiveMaximum": "below"}
    limits = [(word, key[limit]) for limit, word in words.items() if limit in key]
    return ",".join(f" {word} {limit:,.12g}" for word, limit in limits if limit < NO_LIMIT)


def _shown(value: Any) -> str:
    """A default as it would stand in the YAML file."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    """A context for the command and for each command below it."""
    settings = {"terminal_width": 200, **command.context_settings}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from _contexts(inner, each, context)


def _command_parts(context: click.Context) -> list[str]:
    command = context.command
    usage = command.get_usage(context).removeprefix("Usage: ")
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    records = filter(None, (option.get_help_record(context) for option in options))
    return [
        f"## {context.command_path}",
        f"```\n{usage}\n```",
        _prose(inspect.cleandoc(command.help or "")),
        _table(("option", "meaning"), [(f"`{names}`", meaning) for names, meaning in records]),
    ]


def _prose(help_text: str) -> str:
    """Help as Markdown: a paragraph that click is told not to wrap, by a line of \\b, is a block of code."""
    paragraphs = help_text.split("\n\n")
    return "\n\n".join(
        f"```\n{paragraph.removeprefix(chr(8)).strip()}\n```"
        if paragraph.startswith("\b")
        else _escaped(paragraph)
        for paragraph in paragraphs
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Keeps Markdown from taking <TAB> for HTML and a bar for the end of a cell; code in backticks needs the second."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if index % 2 else part.replace("<", "\\<") for index, part in enumerate(parts))


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def stale(pages: Mapping[Path, str]) -> list[Path]:
    """The files that are not there or have another content."""
    return [path for path, page in pages.items() if not path.exists() or path.read_text("utf-8") != page]


def main(arguments: Sequence[str]) -> int:
    from seqtrain.cli import group

    pages = {
        DOCS / "configuration.md": configuration_page(Config),
        DOCS / "cli.md": cli_page(group, "seqtrain"),
    }
    if "--check" not in arguments:
        for path, page in pages.items():
            path.write_text(page, "utf-8")
        return 0
    outdated = stale(pages)
    for path in outdated:
        print(
            f"{path.relative_to(DOCS.parent)}: is not what the code says. Run `make docs`.", file=sys.stderr
        )
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
