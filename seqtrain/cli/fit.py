"""`seqtrain fit`: from a YAML file to a trained run."""

from __future__ import annotations

from pathlib import Path

import click

from seqtrain.config import load_config
from seqtrain.run import ROOT


@click.command(name="fit")
@click.argument("config", type=click.Path())
@click.option(
    "--out", type=click.Path(), metavar="RUN", help="The run folder. [default: runs/NAME of CONFIG]"
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of CONFIG, such as training.epochs=3; can be repeated.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the run that is there, once the new one is evaluated."
)
@click.option("--quiet", is_flag=True, help="Say nothing but errors; run.log has the rest.")
def command(config: str, out: str | None, overrides: tuple[str, ...], overwrite: bool, quiet: bool) -> None:
    """Train a classifier from the YAML file CONFIG.

    Writes a run folder with the model, its vocabulary and labels, checkpoints and metrics; prints its path.

    \b
    Examples:
      seqtrain fit configs/reviews.yaml
      seqtrain fit configs/reviews.yaml --out runs/gru --set model.cell=gru --set training.seed=2
    """
    checked = load_config(config, overrides)
    # A mistake in the config should not have to wait for these.
    from seqtrain.cli.console import Console
    from seqtrain.cli.progress import FitReport
    from seqtrain.pipeline import fit

    with FitReport(Console(quiet)) as report:
        run = fit(checked, out=out or ROOT / Path(config).stem, overwrite=overwrite, notify=report)
    click.echo(run.path)
