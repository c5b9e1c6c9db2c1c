"""`seqtrain check config`: what a config comes to."""

from __future__ import annotations

import click

from seqtrain.cli.options import set_option
from seqtrain.config import explained, load_config


@click.command(name="config")
@click.argument("config", type=click.Path())
@set_option
def command(config: str, overrides: tuple[str, ...]) -> None:
    """Print all values of CONFIG as YAML, each with where it comes from: a line of the file, --set, or the default.

    What is printed is a config with the same values. The file of model.vectors has to be there and to fit
    model.embedding_size; if it does not, the exit code is 3 or 2.

    \b
    Examples:
      seqtrain check config configs/reviews.yaml
      seqtrain check config configs/reviews.yaml --set training.epochs=3
    """
    click.echo(explained(config, overrides), nl=False)
    # The values should not have to wait for these.
    from seqtrain import settings
    from seqtrain.data.vectors import require_room

    checked = load_config(config, overrides)
    if vectors := settings.vectors_file(checked):
        require_room(vectors, settings.model_size(checked)["embedding_size"])
