"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seqtrain.trained import TrainedModel

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of CONFIG, such as training.epochs=3; can be repeated.",
)
_NEWEST = "Without it, the newest run below runs/, and which one is said."
run_option = click.option("--run", metavar="RUN", help=f"A run folder. {_NEWEST}")
model_option = click.option(
    "--run", metavar="RUN|FILE", help=f"A run folder, or a model file by itself. {_NEWEST}"
)


def opened_model(path: str | None, *, strict: bool = True) -> TrainedModel:
    """The model of a run, or of a file, at a path; or that of the newest run, which is then named on standard error."""
    from seqtrain.trained import open_model  # here, because the help of a command needs none of its imports

    model = open_model(path, strict=strict)
    if path is None and model.run is not None:
        click.echo(f"run {model.run.path} (the newest; --run takes another)", err=True)
    return model
