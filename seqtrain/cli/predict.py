"""`seqtrain predict`: labels for new texts, one record out per record in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from seqtrain.cli.answers import ABSTAINED, FORMS, Answers
from seqtrain.cli.options import model_option, opened_model
from seqtrain.data.arriving import Arriving
from seqtrain.data.formats.text import require_text
from seqtrain.data.reader import READERS, BadRow, Example
from seqtrain.errors import DataError
from seqtrain.inference.streaming import WINDOW_TEXTS, Pauses, never

if TYPE_CHECKING:
    from seqtrain.trained import TrainedModel

STDIN, STDIN_NAME = "-", "standard input"
EXCLUSIVE = (
    ("FILE", "--text"),
    ("--text", "--input-format"),
    ("--probabilities", "--top-k"),
    ("--top-k", "--threshold"),
    ("--top-k", "--abstain"),
)


def _probability(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < 1:  # which NaN is not either
        raise click.BadParameter(f"{value} is no probability between 0 and 1.")
    return value


@click.command(name="predict")
@click.argument("file", default=STDIN, metavar="[FILE|-]")
@model_option
@click.option("--text", "texts", multiple=True, help="A text to label, in place of a file; can be repeated.")
@click.option(
    "--input-format",
    type=click.Choice([suffix.removeprefix(".") for suffix in READERS]),
    help="The format of FILE, whatever its name says, or of standard input.  [default there: txt]",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Carry a column along: its name, a key of JSON objects, or its number from 0; can be repeated.",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMS)), default="tsv", help="The form of the output."
)
@click.option(
    "--probabilities", is_flag=True, help="Add the probability of every label, in the order of labels.txt."
)
@click.option(
    "--top-k", type=click.IntRange(min=1), help="Show so many labels a record, the most probable first."
)
@click.option(
    "--threshold",
    type=float,
    metavar="P",
    callback=_probability,
    help="Of two labels, answer the second where its probability is at least P, and else the first.  "
    "[default: what the model was trained to decide by]",
)
@click.option(
    "--abstain",
    type=float,
    metavar="P",
    callback=_probability,
    help=f"Answer {ABSTAINED} where the highest probability is below P.",
)
@click.option(
    "--batch-lines",
    type=click.IntRange(min=1),
    default=WINDOW_TEXTS,
    show_default=True,
    help="Write the answers for so many records at once; more are quicker. Where the input pauses, none wait.",
)
def command(
    file: str,
    run: str | None,
    texts: tuple[str, ...],
    input_format: str | None,
    keep: tuple[str, ...],
    batch_lines: int,
    **shape: Any,
) -> None:
    """Label new texts: those of a file, of standard input (one a line) or of --text.

    Each record gives one line, in the same order: its label, a tab, the label's probability. The name of a file
    says its format: .txt (a text a line), .tsv, .csv or .jsonl, each also with .gz. A name after --keep says that the
    first line of a table is its header. Kept values follow the answer; tabs, line ends and backslashes in them are
    escaped.

    \b
    Examples:
      seqtrain predict --text "a beautifully acted film"
      seqtrain predict --format jsonl reviews.txt.gz > labels.jsonl
      tail -f reviews.jsonl | seqtrain predict --input-format jsonl --keep id --abstain 0.8
    """
    options = {f"--{name.replace('_', '-')}": value for name, value in shape.items()}
    _refuse_pairs({"FILE": file != STDIN, "--text": texts, "--input-format": input_format, **options})
    columns = tuple(int(column) if column.isdecimal() else column for column in keep)
    model = opened_model(run)
    if shape["threshold"] is None:
        shape["threshold"] = model.predictor.threshold
    answers = Answers(model.labels, keep=columns, **shape)
    _refuse_unfit(answers)
    rows, pauses = _input(model, file, texts, input_format, columns)
    with closing(model.windows(_usable(rows), size=batch_lines, pauses=pauses)) as windows:
        for window, probabilities in windows:
            click.echo("".join(answers.lines(window, probabilities)), nl=False)


def _refuse_pairs(given: Mapping[str, Any]) -> None:
    """UsageError for options that contradict each other; an option that is not given is false here."""
    for one, other in EXCLUSIVE:
        if given[one] and given[other]:
            raise click.UsageError(f"{one} and {other} exclude each other.")


def _refuse_unfit(answers: Answers) -> None:
    """UsageError for what the model at hand cannot be asked for."""
    labels = answers.labels
    if answers.threshold is not None and len(labels) != 2:
        raise click.UsageError(f"--threshold is for two labels, and the model has {len(labels)}.")
    if answers.abstain is not None and ABSTAINED in labels:
        raise click.UsageError(f"--abstain answers {ABSTAINED}, which is a label of the model.")


def _input(
    model: TrainedModel,
    file: str,
    texts: tuple[str, ...],
    input_format: str | None,
    keep: tuple[int | str, ...],
) -> tuple[Iterable[Example | BadRow], Pauses]:
    """The records, and whether they pause."""
    if texts:
        return _given(texts, keep), never
    if file != STDIN:
        return model.texts(file, format=input_format and f".{input_format}", keep=keep), never
    if sys.stdin is None:
        raise click.UsageError("standard input is closed; name a FILE, or use --text.")
    if sys.stdin.isatty():
        click.echo("reading texts from the keyboard, one a line; Ctrl-D ends", err=True)
    stream = Arriving(sys.stdin.fileno(), STDIN_NAME)
    rows = model.text_lines(stream, STDIN_NAME, format=f".{input_format or 'txt'}", keep=keep)
    return rows, stream.pauses


def _given(texts: tuple[str, ...], keep: tuple[int | str, ...]) -> list[Example]:
    require_text(keep, "--text")
    return [
        Example(text, None, 1.0, "--text", number, kept=(text,) * len(keep))
        for number, text in enumerate(texts, start=1)
    ]


def _usable(rows: Iterable[Example | BadRow]) -> Iterator[Example]:
    """Stops at a record that cannot be read: an answer left out would shift all that follow."""
    for row in rows:
        if isinstance(row, BadRow):
            raise DataError(str(row), hint="The records before it have been answered.")
        yield row
