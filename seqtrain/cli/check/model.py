"""`seqtrain check model`: whether a trained model keeps its promises, on its user's own texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from seqtrain.cli.options import model_option, opened_model
from seqtrain.errors import DataError, GateError

if TYPE_CHECKING:
    from seqtrain.data.checks import Section
    from seqtrain.run import Run
    from seqtrain.trained import TrainedModel
    from seqtrain.verification.laws import Outcome, Subject
    from seqtrain.verification.sample import Sample


@click.command(name="model")
@model_option
@click.option("--data", metavar="FILE", help="Texts, labelled or not. [default: the dev split of the run]")
@click.option("--json", "as_object", is_flag=True, help="Print all facts and findings as one JSON object.")
def command(run: str | None, data: str | None, as_object: bool) -> None:
    """Prove, text by text, that a model's answers do not depend on padding, on the batch, or on the engine.

    A line has a ✔ and the largest difference that was seen, in a probability or a gradient, or a ✘ and where it was;
    with a ✘ the exit code is 6. The texts are those of FILE or of dev, 2,000 or 75,000 tokens at most, drawn evenly,
    and a fixed set of nasty ones. Rows that cannot be used are passed over. Of a model file by itself, without --data,
    the texts are made up; and only a run can be compared with TensorFlow.

    \b
    Examples:
      seqtrain check model
      seqtrain check model --run runs/reviews --data new.txt
      seqtrain check model --run model.onnx --json
    """
    from seqtrain.cli.check.sections import as_json, as_text, totals

    model = opened_model(run, strict=False)
    sections = []
    for section in _sections(model, data):
        sections.append(section)
        if not as_object:
            click.echo(as_text(section))
    counts = totals(sections)
    broken, laws = counts["errors"], counts["errors"] + counts["passed"]
    verdict = f"{broken} of {laws} laws are broken" if broken else f"all {laws} laws hold"
    tried = "{texts:,} texts and {nasty_texts} nasty ones".format(**sections[0].facts)
    click.echo(json.dumps(as_json(sections), indent=2) if as_object else f"{verdict} on {tried}")
    if broken:
        raise GateError(f"{model.run.path if model.run else run}: {verdict}", hint="See the lines with ✘.")


def _sections(model: TrainedModel, data: str | None) -> Iterator[Section]:
    """Each section as soon as it is known."""
    from seqtrain.verification import laws, report, sample

    predictor = model.predictor
    texts, origin, problem = _texts(model, data)
    nasty = sample.nasty(predictor.tokenizer, predictor.encode)
    yield report.texts_section(texts, origin, nasty, problem)
    subject = laws.Subject(predictor.run, texts.plus(nasty), model.labels, len(predictor.vocabulary))
    graph = report.graph_finding(predictor.strict_problem)
    yield report.section("model", "The model file", laws.outcomes(subject), [graph])
    if model.run is not None:
        yield report.section(
            "training", "The weights in TensorFlow", _tensorflow_outcomes(model.run, subject)
        )


def _texts(model: TrainedModel, data: str | None) -> tuple[Sample, str, str]:
    """The texts of a file or of dev, or made-up ones; what they are; and why they are not those of dev, or ""."""
    from seqtrain.verification import sample

    predictor, problem = model.predictor, ""
    if data:
        return *sample.of_rows(model.texts(data), predictor.encode, data), problem
    if model.run is not None:
        try:
            rows = model.labelled_rows(split="dev")
            return *sample.of_rows(rows, predictor.encode, model.source("dev")), problem
        except DataError as error:  # the laws can be tried on other texts as well
            problem = str(error)
    return *sample.made_up(len(predictor.vocabulary), predictor.tokenizer.max_length), problem


def _tensorflow_outcomes(run: Run, subject: Subject) -> Iterator[Outcome]:
    from seqtrain import settings
    from seqtrain.training import runtime

    config = run.config()
    runtime.start(settings.threads(config))
    from seqtrain.verification import engine

    shape = settings.architecture(config, subject.words, len(subject.labels))
    return engine.outcomes(engine.trained_classifier(run, shape), subject)
