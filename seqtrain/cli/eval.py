"""`seqtrain eval`: how good a trained classifier is on labelled texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from seqtrain.cli.options import model_option, opened_model
from seqtrain.cli.printable import printable
from seqtrain.data.splits import SPLITS
from seqtrain.evaluation.gate import check, parse_requirement
from seqtrain.evaluation.report import format_report
from seqtrain.run.atomic import atomic_write, write_json
from seqtrain.trained import Mistake

TOO_GOOD = {
    "train": "is a training file of this run, whose weights were fitted to it; so these figures are too good",
    "dev": "is a dev file of this run, which chose and scaled what it answers; so these figures are too good",
}
_BLANKS = str.maketrans("\t\n\r", "   ")


@click.command(name="eval")
@model_option
@click.option("--data", multiple=True, metavar="FILE", help="Labelled files to measure on; can be repeated.")
@click.option(
    "--split",
    type=click.Choice(SPLITS),
    help="A split of the run's own data. [default: test]",
)
@click.option("--json", "as_json", is_flag=True, help="Print all metrics as JSON.")
@click.option(
    "--require",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with code 6 unless the metric is at least (for log_loss, brier and ece: at most) the value; can be "
    "repeated.",
)
@click.option(
    "--errors", type=click.Path(), metavar="FILE", help="Write the misclassified rows here, the surest first."
)
def command(
    run: str | None,
    data: tuple[str, ...],
    split: str | None,
    as_json: bool,
    require: tuple[str, ...],
    errors: str | None,
) -> None:
    """Measure a trained classifier on the test split of its config, or on other labelled files.

    Beside a metric stands how far it might be off because the rows are a sample. The metrics of the test split are also
    kept in the run folder, as metrics/test.json; those of dev are there already, from `fit`. The columns of FILE are
    those of the run's config, and so is what becomes of rows that cannot be used. A warning tells of a file that is, by
    its content, one of the run's training or dev files.

    \b
    Examples:
      seqtrain eval
      seqtrain eval --run runs/reviews --split dev --errors errors.tsv
      seqtrain eval --data new.tsv --require accuracy=0.8 --require log_loss=0.5
    """
    if data and split:
        raise click.UsageError("--data and --split exclude each other.")
    split = split or "test"
    requirements = [parse_requirement(text) for text in require]
    model = opened_model(run)
    if not data:
        click.echo(printable(f"reading {model.source(split)}"), err=True)
    problems = model.problems()
    rows = model.labelled_rows(data or None, split=split)
    is_new = bool(data) or split == "test"
    seen = model.seen(data or None) if is_new else {}
    for file, part in seen.items():
        click.echo(printable(f"warning: {file}: {TOO_GOOD[part]}"), err=True)
    metrics, mistakes = model.measure(rows, problems, in_sample=bool(seen) or not is_new)
    click.echo(printable("\n  ".join([str(problems), *problems.listing()])), err=True)
    if model.run is not None and not data and split != "dev":
        write_json(model.run.metrics_file(split), metrics)
    if errors:
        atomic_write(Path(errors), _errors_table(mistakes))
    click.echo(json.dumps(metrics, indent=2, ensure_ascii=False) if as_json else format_report(metrics))
    check(metrics, requirements)


def _errors_table(mistakes: Sequence[Mistake]) -> bytes:
    """TSV with a header; tabs and line ends in a text, or in the name of a file, become spaces."""
    rows = [("file", "line", "label", "prediction", "probability", "text")]
    rows += [
        (
            mistake.row.file,
            str(mistake.row.line),
            str(mistake.row.label),
            mistake.prediction.label,
            f"{mistake.prediction.probability:.4f}",
            mistake.row.text,
        )
        for mistake in mistakes
    ]
    lines = ("\t".join(cell.translate(_BLANKS) for cell in row) + "\n" for row in rows)
    return "".join(lines).encode(errors="surrogateescape")  # the name of a file need not be UTF-8
