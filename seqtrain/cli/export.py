"""`seqtrain export`: the model of a run in another form, checked before it is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqtrain.cli.console import facts
from seqtrain.cli.options import opened_model, run_option
from seqtrain.cli.printable import printable

if TYPE_CHECKING:
    from seqtrain.export.parity import Report

# Those of EXPORTERS, here because the help needs none of their imports.
FORMS = ("onnx", "savedmodel", "keras")


@click.command(name="export")
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMS))
@click.argument("out", type=click.Path())
@run_option
@click.option(
    "--quantize",
    type=click.Choice(["int8"]),
    help="With onnx: smaller tables, a byte a number in the embedding.",
)
@click.option(
    "--data",
    metavar="FILE",
    help="Labelled texts to check the export on. [default: the dev split of the run]",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier export.")
def command(
    form: str, out: str, run: str | None, quantize: str | None, data: str | None, overwrite: bool
) -> None:
    """Write the model of a run in another form to OUT, if it answers as the run does.

    FORMAT is one of

    \b
    onnx        a file: weights, vocabulary, labels and tokenizer, for `seqtrain predict` or any ONNX runtime
    savedmodel  a folder for TensorFlow alone and TensorFlow Serving: texts in, labels and probabilities out
    keras       a folder with a stock Keras model (model.keras) of token ids, and what makes ids of texts

    Each is opened in a fresh process that has nothing else, and asked about the dev texts and some nasty ones. The
    labels must be the same, and the probabilities within 1e-5; with int8 99.5 % of the labels on dev, and the
    accuracy within 0.5 points. Otherwise nothing is written and the exit code is 4. OUT.check.json is the report.

    \b
    Examples:
      seqtrain export onnx small.onnx --quantize int8
      seqtrain export savedmodel served/1 --run runs/reviews
    """
    model = opened_model(run)
    from seqtrain.export import export, report_file

    report = export(
        model,
        form,
        out,
        quantize=quantize,
        data=data,
        overwrite=overwrite,
        notify=lambda message: click.echo(printable(message), err=True),
    )
    saved = f"{out}, {_megabytes(report.bytes)}; the report is {report_file(Path(out))}"
    click.echo(printable("\n".join([_checked(report), facts("saved", saved)])), err=True)
    click.echo(out)


def _checked(report: Report) -> str:
    """What the check found."""
    parity, change = report.parity, report.quantization
    texts = f"{parity.dev:,} dev and {parity.nasty} nasty texts"
    within = f"within {parity.largest_difference:.0e}" if parity.largest_difference else "exactly"
    lines = [f"{texts}: the same labels, the probabilities {within}"]
    if change is not None:
        speeds = f"{change.texts_per_second_before:,.0f} → {change.texts_per_second:,.0f} texts a second"
        lines = [
            f"{texts}: what the rounded numbers say, {within}",
            f"{change.same_labels:.2%} of the dev labels as before, "
            f"accuracy {change.accuracy_before:.4f} → {change.accuracy:.4f}",
            f"{_megabytes(change.bytes_before)} → {_megabytes(report.bytes)}, {speeds}",
        ]
    return facts("checked", *lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
