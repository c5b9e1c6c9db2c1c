"""`seqtrain check`: commands that look at things and change nothing."""

from __future__ import annotations

import click

from seqtrain.cli import LazyGroup

COMMANDS = {
    "data": "Look at the data that a config names.",
    "config": "Show all values of a config, and where each one comes from.",
    "model": "Prove that a model's answers depend on the text alone.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=COMMANDS)
def command() -> None:
    """Look at a config or its data before a model is trained, and at the model after it."""
