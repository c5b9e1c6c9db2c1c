"""`seqtrain predict`: labels for new texts, one record out per record in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

import click

from seqtrain.cli.options import opened_run, run_option
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError
from seqtrain.trained import Prediction, TrainedModel

STDIN = "-"


@click.command(name="predict")
@click.argument("file", default=STDIN, metavar="[FILE|-]")
@run_option
@click.option("--text", "texts", multiple=True, help="A text to label, in place of a file; can be repeated.")
@click.option(
    "--format", "form", type=click.Choice(["tsv", "jsonl"]), default="tsv", help="The form of the output."
)
@click.option(
    "--probabilities", is_flag=True, help="Add the probability of every label, in the order of labels.txt."
)
@click.option(
    "--top-k", type=click.IntRange(min=1), help="Show so many labels a record, the most probable first."
)
def command(
    file: str, run: str | None, texts: tuple[str, ...], form: str, probabilities: bool, top_k: int | None
) -> None:
    """Label new texts: those of a file, of standard input (one a line) or of --text.

    Each record gives one line, in the same order: its label, a tab, the label's probability. The name of a file
    says its format: .txt (a text a line), .tsv, .csv or .jsonl, each also with .gz.

    \b
    Examples:
      seqtrain predict --text "a beautifully acted film"
      seqtrain predict --format jsonl reviews.txt.gz > labels.jsonl
    """
    if texts and file != STDIN:
        raise click.UsageError("FILE and --text exclude each other.")
    if probabilities and top_k:
        raise click.UsageError("--probabilities and --top-k exclude each other.")
    model = TrainedModel(opened_run(run))
    for _, prediction in model.stream(_usable(_rows(model, file, texts))):
        click.echo(_line(prediction, form, probabilities, top_k))


def _rows(model: TrainedModel, file: str, texts: tuple[str, ...]) -> Iterable[Example | BadRow]:
    if texts:
        return [Example(text, None, 1.0, "--text", number) for number, text in enumerate(texts, start=1)]
    if file != STDIN:
        return model.texts(file)
    if sys.stdin is None:
        raise click.UsageError("standard input is closed; name a FILE, or use --text.")
    if sys.stdin.isatty():
        click.echo("reading texts from the keyboard, one a line; Ctrl-D ends", err=True)
    return model.text_lines(sys.stdin.buffer, "standard input")


def _usable(rows: Iterable[Example | BadRow]) -> Iterator[Example]:
    """Stops at a record that cannot be read: an answer left out would shift all that follow."""
    for row in rows:
        if isinstance(row, BadRow):
            raise DataError(str(row), hint="The records before it have been answered.")
        yield row


def _line(prediction: Prediction, form: str, probabilities: bool, top_k: int | None) -> str:
    if form == "jsonl":
        return json.dumps(_record(prediction, probabilities, top_k), ensure_ascii=False)
    pairs = prediction.top(top_k or 1)
    cells = [cell for label, probability in pairs for cell in (label, f"{probability:.4f}")]
    if probabilities:
        cells += [f"{probability:.4f}" for probability in prediction.probabilities.values()]
    return "\t".join(cells)


def _record(prediction: Prediction, probabilities: bool, top_k: int | None) -> dict[str, object]:
    record: dict[str, object] = {"label": prediction.label, "probability": round(prediction.probability, 6)}
    if probabilities:
        record["probabilities"] = {
            label: round(value, 6) for label, value in prediction.probabilities.items()
        }
    if top_k:
        record["top"] = [
            {"label": label, "probability": round(value, 6)} for label, value in prediction.top(top_k)
        ]
    return record
