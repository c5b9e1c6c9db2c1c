"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from seqtrain.run import Run, newest_run, open_run

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of CONFIG, such as training.epochs=3; can be repeated.",
)
run_option = click.option(
    "--run", metavar="RUN", help="The run folder. Without it, the newest below runs/, and which one is said."
)


def opened_run(path: str | None) -> Run:
    """The run at a path, or the newest one, which is then named on standard error."""
    if path is not None:
        return open_run(Path(path))
    run = newest_run()
    click.echo(f"run {run.path} (the newest; --run takes another)", err=True)
    return run
