"""`seqtrain check data`: what is good and what is doubtful in the data of a config."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from seqtrain.cli.options import set_option
from seqtrain.config import load_config
from seqtrain.errors import DataError

if TYPE_CHECKING:
    from seqtrain.config import Config
    from seqtrain.data.checks import Section


@click.command(name="data")
@click.argument("config", type=click.Path())
@set_option
@click.option("--json", "as_object", is_flag=True, help="Print all facts and findings as one JSON object.")
def command(config: str, overrides: tuple[str, ...], as_object: bool) -> None:
    """Look at the data that CONFIG names, read the way `seqtrain fit` would read them.

    A line begins with ✔ where all is well, ⚠ where it is worth a look, ✘ where `fit` or `eval` would fail; with a ✘
    the exit code is 3. The encoded texts stand in the folder for temporary files ($TMPDIR) until the end.

    \b
    Examples:
      seqtrain check data configs/reviews.yaml
      seqtrain check data configs/reviews.yaml --set data.dev=0.2 --json
    """
    checked = load_config(config, overrides)
    from seqtrain.cli.check.sections import as_json, as_text, in_words, totals

    sections = []
    for section in _sections(checked):
        sections.append(section)
        if not as_object:
            click.echo(as_text(section))
    counts = totals(sections)
    if as_object:
        click.echo(json.dumps(as_json(sections), indent=2))
    else:
        click.echo(in_words(counts))
    if counts["errors"]:
        raise DataError(f"{config}: the data have errors", hint="See the lines with ✘.")


def _sections(config: Config) -> Iterator[Section]:
    """Each section as soon as it is known."""
    # A mistake in the config should not have to wait for these.
    from functools import partial
    from pathlib import Path
    from tempfile import TemporaryDirectory, gettempdir

    from seqtrain import settings
    from seqtrain.data.checks import check_data
    from seqtrain.data.workers import usable_processes
    from seqtrain.run.atomic import writing

    with writing(Path(gettempdir())), TemporaryDirectory(prefix="seqtrain-") as folder:
        yield from check_data(
            settings.data_splits(config),
            settings.tokenizer(config),
            Path(folder),
            **settings.vocabulary_limits(config),
            skip_bad_rows=settings.skips_bad_rows(config),
            processes=usable_processes(settings.threads(config)),
            plan=partial(settings.epoch_plan, config, epoch=0),
            **settings.model_size(config),
            more_words=settings.more_words(config),
            vectors=settings.vectors_file(config),
        )
