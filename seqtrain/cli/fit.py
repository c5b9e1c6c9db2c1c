"""`seqtrain fit`: from a YAML file to a trained run."""

from __future__ import annotations

from pathlib import Path

import click

from seqtrain.cli.options import set_option
from seqtrain.config import load_config
from seqtrain.run import ROOT


@click.command(name="fit")
@click.argument("config", type=click.Path())
@click.option(
    "--out", type=click.Path(), metavar="RUN", help="The run folder. [default: runs/NAME of CONFIG]"
)
@set_option
@click.option(
    "--overwrite", is_flag=True, help="Replace the run that is there, once the new one is evaluated."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run that is there where it was interrupted; begin if there is none.",
)
@click.option("--quiet", is_flag=True, help="Say nothing but errors; run.log has the rest.")
def command(
    config: str, out: str | None, overrides: tuple[str, ...], overwrite: bool, resume: bool, quiet: bool
) -> None:
    """Train a classifier from the YAML file CONFIG.

    Writes a run folder with the model, its vocabulary and labels, checkpoints and metrics; prints its path.

    Interrupted, by Ctrl-C, a crash or a power failure, it goes on with --resume and ends with the same weights as if
    nothing had happened. With more training.epochs a finished run goes on as well.

    \b
    Examples:
      seqtrain fit configs/reviews.yaml
      seqtrain fit configs/reviews.yaml --out runs/gru --set model.cell=gru --set training.seed=2
      seqtrain fit configs/reviews.yaml --resume
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other.")
    checked = load_config(config, overrides)
    # A mistake in the config should not have to wait for these.
    from seqtrain.cli.console import Console
    from seqtrain.cli.progress import FitReport
    from seqtrain.pipeline import fit

    with FitReport(Console(quiet)) as report:
        run = fit(
            checked, out=out or ROOT / Path(config).stem, overwrite=overwrite, resume=resume, notify=report
        )
    click.echo(bytes(run.path))  # as text, a name that is not UTF-8 would fail
