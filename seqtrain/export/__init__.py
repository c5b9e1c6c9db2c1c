"""A trained model in other forms, each written only if it answers as the trained one does.

A form is a line in EXPORTERS, a module that writes it, and a script in `reload` that opens it in a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from seqtrain.data.reader import Example
from seqtrain.errors import RunError, UsageError
from seqtrain.export import onnx_model
from seqtrain.export.parity import Report, parity, quantization, size
from seqtrain.export.source import source_of
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.quantization import rounded
from seqtrain.run import Run
from seqtrain.run.atomic import atomic_file, atomic_folder, write_json
from seqtrain.trained import TrainedModel


class Exporter(NamedTuple):
    """How a form is written, how its file or folder comes about, which script of `reload` opens it."""

    write: Callable[[Run, Path, str | None], None]
    place: Callable[[Path], AbstractContextManager[Path]]
    script: str
    quantize: tuple[str, ...] = ()


def export(
    model: TrainedModel,
    form: str,
    out: str | Path,
    *,
    quantize: str | None = None,
    data: str | Path | None = None,
    overwrite: bool = False,
    notify: Callable[[str], None] = lambda message: None,
) -> Report:
    """Writes the model of a run in a form of EXPORTERS to `out`, and the report of its check beside it.

    quantize: "int8" for smaller tables, with "onnx". data: a labelled file in place of the run's dev split.
    overwrite: replace an earlier export. notify is told what goes on. Raises UsageError for what the form cannot
    express, and RunError if the export answers otherwise than the run; then nothing is written.
    """
    exporter, out = EXPORTERS[form], Path(out)
    run = _checked_run(model, form, out, quantize, overwrite)
    rows = _dev_rows(model, data)
    with exporter.place(out) as place:
        notify(f"writing {out}")
        exporter.write(run, place, quantize)
        notify(f"checking it in a fresh process, on {len(rows):,} dev texts and some nasty ones")
        report = _report(model, run, rows, exporter.script, place, quantize)
        report.raise_if_bad(out)
    write_json(report_file(out), {"form": form, "quantize": quantize, **report.facts()})
    return report


def report_file(out: Path) -> Path:
    """Where the report of an export stands."""
    return Path(f"{out}.check.json")


def _checked_run(model: TrainedModel, form: str, out: Path, quantize: str | None, overwrite: bool) -> Run:
    """The run of a model that can be exported so; UsageError or RunError if it cannot."""
    if quantize is not None and quantize not in EXPORTERS[form].quantize:
        raise UsageError(
            f"{form} cannot be quantized to {quantize}", hint="Leave --quantize out, or export onnx."
        )
    if model.run is None:
        raise UsageError(
            "a model file by itself has neither weights for other forms nor dev texts",
            hint="Name the run folder with --run.",
        )
    if os.path.lexists(out):
        _check_replaceable(out, overwrite)
    return model.run


def _check_replaceable(out: Path, overwrite: bool) -> None:
    """RunError unless what is there may be replaced: an earlier export alone, not a run or a folder of the user's."""
    if not overwrite:
        raise RunError(f"{out}: is there already", hint="Replace it with --overwrite, or take another name.")
    if not report_file(out).is_file():
        raise RunError(
            f"{out}: is no export: {report_file(out).name} is not beside it",
            hint="Remove it yourself, or take another name.",
        )


def _dev_rows(model: TrainedModel, data: str | Path | None) -> list[Example]:
    problems = model.problems()
    rows = list(problems.usable(model.labelled_rows(data, split="dev"), model.labels))
    problems.raise_if_any()
    return rows


def _report(
    model: TrainedModel, run: Run, rows: Sequence[Example], script: str, place: Path, quantize: str | None
) -> Report:
    if quantize is None:
        return Report(size(place), parity(model.predictor, rows, script, place))
    before = run.sealed(run.model_file)
    expected = Predictor(rounded(before, str(run.model_file)))
    change = quantization(model.predictor, Predictor(place), len(before), rows)
    return Report(size(place), parity(expected, rows, script, place), change)


def _saved_model(run: Run, place: Path, quantize: str | None) -> None:
    source = source_of(run)
    # After `source_of`, which starts TensorFlow quietly, and this imports it.
    from seqtrain.export import saved_model

    saved_model.write(source, place)


def _keras_model(run: Run, place: Path, quantize: str | None) -> None:
    from seqtrain.export import keras_model

    keras_model.write(source_of(run), place)


EXPORTERS = {
    "onnx": Exporter(onnx_model.write, atomic_file, "onnx_file", quantize=("int8",)),
    "savedmodel": Exporter(_saved_model, atomic_folder, "saved_model"),
    "keras": Exporter(_keras_model, atomic_folder, "keras_model"),
}
