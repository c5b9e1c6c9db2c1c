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
@click.option(
    "--seeds",
    type=click.IntRange(min=2),
    metavar="N",
    help="Train N seeds, from training.seed on, each into a run folder seed-N in RUN; RUN gets the model that is best "
    "on dev.",
)
@click.option("--quiet", is_flag=True, help="Say nothing but errors; run.log has the rest.")
def command(
    config: str,
    out: str | None,
    overrides: tuple[str, ...],
    overwrite: bool,
    resume: bool,
    seeds: int | None,
    quiet: bool,
) -> None:
    """Train a classifier from the YAML file CONFIG.

    Writes a run folder with the model, its vocabulary and labels, checkpoints and metrics; prints its path.

    Interrupted, by Ctrl-C, a crash or a power failure, it goes on with --resume and ends with the same weights as if
    nothing had happened. With more training.epochs, or more --seeds, a finished run goes on as well.

    With --seeds the run ends with a table of the seeds, their mean and spread, kept in metrics/seeds.json. An older run
    is replaced when all of them are trained.

    \b
    Examples:
      seqtrain fit configs/reviews.yaml
      seqtrain fit configs/reviews.yaml --out runs/gru --set model.cell=gru --set training.seed=2
      seqtrain fit configs/reviews.yaml --resume
      seqtrain fit configs/reviews.yaml --out runs/five --seeds 5
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other.")
    checked = load_config(config, overrides)
    place, how = out or ROOT / Path(config).stem, {"overwrite": overwrite, "resume": resume}
    # A mistake in the config should not have to wait for these.
    from seqtrain.cli.console import Console

    console = Console(quiet)
    if seeds is None:
        from seqtrain.cli.progress import FitReport
        from seqtrain.pipeline import fit

        with FitReport(console) as report:
            run = fit(checked, out=place, notify=report, **how)
    else:
        from seqtrain.cli.seeds import SeedsReport, training_apart
        from seqtrain.pipeline.seeds import fit_seeds

        train = training_apart(config, overrides, quiet=quiet)
        run = fit_seeds(checked, seeds, out=place, train=train, notify=SeedsReport(console), **how)
    click.echo(bytes(run.path))  # as text, a name that is not UTF-8 would fail
