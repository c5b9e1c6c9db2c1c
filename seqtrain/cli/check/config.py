"""`seqtrain check config`: what a config comes to."""

from __future__ import annotations

import click

from seqtrain.cli.options import set_option
from seqtrain.config import explained


@click.command(name="config")
@click.argument("config", type=click.Path())
@set_option
def command(config: str, overrides: tuple[str, ...]) -> None:
    """Print all values of CONFIG as YAML, each with where it comes from: a line of the file, --set, or the default.

    What is printed is a config with the same values.

    \b
    Examples:
      seqtrain check config configs/reviews.yaml
      seqtrain check config configs/reviews.yaml --set training.epochs=3
    """
    click.echo(explained(config, overrides), nl=False)
