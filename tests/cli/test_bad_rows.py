"""`data.bad_rows: skip`, from the training file to the metrics."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

from tests.crashes.process import forked
from tests.project import TRAIN, table

BAD = {
    "": "empty line, byte 1",
    "pos\t": "empty text, byte 5",
    "x": "missing column",
    "pos\ta\0\\": "NUL, byte 6",
    "pos\ta\tb": "extra column, byte 7",
}
SKIP = ("fit", "configs/reviews.yaml", "--set", "data.bad_rows=skip", "--set", "training.epochs=1")


def test_bad_rows_are_written_down_and_the_others_used(project: Path) -> None:
    """Measured later, dev has the rows that `fit` drew among those that can be used."""
    rows = table(TRAIN).splitlines()
    for number, bad in enumerate([*BAD] * 5):
        rows.insert(1 + 13 * number, bad)
    (project / "train.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    result = forked(*SKIP, cwd=project)
    assert result.exit_code == 0
    counts = "400 rows used, 25 rejected: 5 empty line, 5 empty text, 5 missing column, 5 NUL, 5 extra column"
    assert counts in result.stderr
    assert result.stderr.count("train.tsv:") == 20
    run = project / "runs" / "reviews"
    head, *lines = (run / "rejected.tsv").read_text("utf-8").splitlines()
    assert head.split("\t") == ["file", "line", "reason", "row"]
    cells = [line.split("\t") for line in lines]
    assert [int(line) for _, line, _, _ in cells] == list(range(2, 2 + 13 * 25, 13))
    assert [reason.split(":")[0] for _, _, reason, _ in cells] == [*BAD.values()] * 5
    assert [codecs.escape_decode(row)[0].decode() for *_, row in cells] == [*BAD] * 5
    measured = forked("eval", "--split", "dev", "--json", cwd=project)
    assert json.loads(measured.stdout) == json.loads((run / "metrics" / "dev.json").read_text())
    assert "100 rows used, 25 rejected: " in measured.stderr


def test_the_file_is_there_without_a_bad_row(project: Path) -> None:
    result = forked(*SKIP, cwd=project)
    assert "400 rows used, 0 rejected" in result.stderr
    assert (project / "runs" / "reviews" / "rejected.tsv").read_text() == "file\tline\treason\trow\n"


def test_nothing_left(project: Path) -> None:
    (project / "train.tsv").write_text("pos\t\nneg\t\n")
    result = forked(*SKIP, cwd=project)
    assert result == (
        3,
        "",
        "error: no row is left: 2 of 2 rows cannot be used: 2 empty text\n"
        "  train.tsv:1:5: the text is empty\n"
        "  train.tsv:2:5: the text is empty\n"
        "  Correct these rows or take them out.\n",
    )
    assert not (project / "runs" / "reviews").exists()
