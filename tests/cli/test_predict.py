"""`seqtrain predict`: one record out per record in, in order, whatever they come in as."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import seqtrain as api
from tests.cli.command import PATIENCE, SEQTRAIN, Result, call, seqtrain, start
from tests.cli.conftest import Fitted

TEXTS = [
    "great fun",
    "",
    "Not funny, not at all!",
    "  ",
    "unheard-of wörds",
    "映画 … good",
    "one\u2028line\u0085only",
    "bad " * 500,
    "great fun",
]
NEWEST = "run runs/reviews (the newest; --run takes another)\n"


@pytest.fixture(scope="module")
def model(fitted: Fitted) -> api.trained.TrainedModel:
    return api.load(fitted.run)


@pytest.fixture(scope="module")
def expected(fitted: Fitted) -> str:
    """A line for each of TEXTS, each from a call of its own."""
    answers = [answer for text in TEXTS for answer in api.load(fitted.run).predict([text])]
    return "".join(f"{answer.label}\t{answer.probability:.4f}\n" for answer in answers)


def test_standard_input_is_a_text_a_line(fitted: Fitted, expected: str) -> None:
    lines = "".join(f"{text}\n" for text in TEXTS)
    assert seqtrain("predict", cwd=fitted.folder, stdin=lines) == (0, expected, NEWEST)


def test_line_ends_and_a_byte_order_mark_are_no_part_of_the_texts(fitted: Fitted, expected: str) -> None:
    lines = b"\xef\xbb\xbf" + "\r\n".join(TEXTS).encode()
    assert seqtrain("predict", "-", cwd=fitted.folder, stdin=lines) == (0, expected, NEWEST)


def test_no_text_no_answer(fitted: Fitted) -> None:
    assert seqtrain("predict", cwd=fitted.folder) == (0, "", NEWEST)


def test_texts_on_the_command_line(fitted: Fitted, tmp_path: Path, expected: str) -> None:
    options = [option for text in TEXTS for option in ("--text", text)]
    assert seqtrain("predict", "--run", fitted.run, *options, cwd=tmp_path) == (0, expected, "")


def as_csv(texts: list[str]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(("neg", text) for text in texts)
    return file.getvalue()


FILES: dict[str, Callable[[list[str]], str]] = {
    "texts.txt": lambda texts: "".join(f"{text}\n" for text in texts),
    "texts.tsv": lambda texts: "".join(f"neg\t{text}\n" for text in texts),
    "alone.tsv": lambda texts: "".join(f"{text}\n" for text in texts),
    "texts.csv": as_csv,
    "texts.jsonl": lambda texts: "".join(json.dumps({"text": text}) + "\n" for text in texts),
}


@pytest.mark.parametrize("name", [*FILES, "texts.txt.gz", "texts.jsonl.gz"])
def test_files_go_by_their_suffix(fitted: Fitted, tmp_path: Path, expected: str, name: str) -> None:
    content = FILES[name.removesuffix(".gz")](TEXTS).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert seqtrain("predict", "--run", fitted.run, name, cwd=tmp_path) == (0, expected, "")


def records(fitted: Fitted, *options: str) -> list[str]:
    texts = "".join(f"{text}\n" for text in TEXTS)
    result = seqtrain("predict", "--run", fitted.run, *options, cwd=fitted.folder, stdin=texts)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.removesuffix("\n").split("\n")


def test_probabilities_in_the_order_of_labels_txt(fitted: Fitted, model: api.trained.TrainedModel) -> None:
    for line, answer in zip(records(fitted, "--probabilities"), model.predict(TEXTS), strict=True):
        label, probability, neg, pos = line.split("\t")
        assert (label, float(probability)) == max(
            ("neg", float(neg)), ("pos", float(pos)), key=lambda p: p[1]
        )
        assert float(neg) == pytest.approx(answer.probabilities["neg"], abs=1e-4)
        assert float(neg) + float(pos) == pytest.approx(1, abs=2e-4)


def test_the_most_probable_labels(fitted: Fitted, expected: str) -> None:
    for line, best in zip(records(fitted, "--top-k", "9"), expected.splitlines(), strict=True):
        first, probability, second, rest = line.split("\t")
        assert f"{first}\t{probability}" == best
        assert {first, second} == {"neg", "pos"}
        assert float(probability) >= float(rest)
    assert records(fitted, "--top-k", "1") == expected.splitlines()


def test_json_lines(fitted: Fitted, model: api.trained.TrainedModel) -> None:
    plain = [json.loads(line) for line in records(fitted, "--format", "jsonl")]
    rich = [json.loads(line) for line in records(fitted, "--format", "jsonl", "--probabilities")]
    top = [json.loads(line) for line in records(fitted, "--format", "jsonl", "--top-k", "2")]
    for answer, bare, full, ranked in zip(model.predict(TEXTS), plain, rich, top, strict=True):
        assert bare == {"label": answer.label, "probability": pytest.approx(answer.probability, abs=2e-6)}
        assert full == {**bare, "probabilities": pytest.approx(answer.probabilities, abs=2e-6)}
        assert ranked == {**bare, "top": [bare, ranked["top"][1]]}
        assert ranked["top"][1]["label"] != bare["label"]


def test_a_bad_record_ends_the_answers_after_those_before_it(fitted: Fitted) -> None:
    """An answer left out would shift all that follow."""
    result = seqtrain(
        "predict", "--run", fitted.run, cwd=fitted.folder, stdin=b"great fun\nbad\n\xff\ngood\n"
    )
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["pos", "neg"]
    assert (result.exit_code, result.stderr) == (
        3,
        "error: standard input:3:1: byte 0xff is not UTF-8; convert the file to UTF-8\n"
        "  The records before it have been answered.\n",
    )


def closed(stream: str, *arguments: str | Path, cwd: Path) -> Result:
    """What a command answers that is started with a stream closed, like `>&-`."""
    command = [*SEQTRAIN, *map(str, arguments)]
    return call(["sh", "-c", f'exec "$@" {stream}', "sh", *command], cwd=cwd)


def test_no_standard_input(fitted: Fitted) -> None:
    result = closed("<&-", "predict", "--run", fitted.run, cwd=fitted.folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\nError: standard input is closed; name a FILE, or use --text.\n")
    result = closed("<&-", "predict", "--run", fitted.run, "--text", "great fun", cwd=fitted.folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("pos\t")


def test_no_standard_output(fitted: Fitted) -> None:
    """What would be said is not, and no file takes its place."""
    for arguments in [
        ("predict", "--text", "good"),
        ("eval", "--data", "test.tsv", "--require", "accuracy=0.1"),
    ]:
        result = closed(">&-", *arguments, "--run", fitted.run, cwd=fitted.folder)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "error" not in result.stderr
    missed = ("eval", "--data", "test.tsv", "--require", "accuracy=1", "--run", fitted.run)
    assert closed(">&- 2>&- <&-", *missed, cwd=fitted.folder) == (6, "", "")


def test_a_missing_file(fitted: Fitted) -> None:
    result = seqtrain("predict", "--run", fitted.run, "tests.tsv", cwd=fitted.folder)
    assert result == (3, "", "error: tests.tsv: no such file\n  Did you mean 'test.tsv'?\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("texts.txt", "--text", "good"), "FILE and --text exclude each other."),
        (("--probabilities", "--top-k", "2"), "--probabilities and --top-k exclude each other."),
        (("--top-k", "0"), "Invalid value for '--top-k': 0 is not in the range x>=1."),
        (("--format", "csv"), "Invalid value for '--format': 'csv' is not one of 'tsv', 'jsonl'."),
    ],
)
def test_wrong_options(project: Path, arguments: tuple[str, ...], problem: str) -> None:
    """Told before the run is looked for: here is none."""
    result = seqtrain("predict", *arguments, cwd=project)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"\nError: {problem}\n")


def test_answers_do_not_wait_for_the_end_of_the_input(fitted: Fitted) -> None:
    process = start("predict", "--run", fitted.run, cwd=fitted.folder)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write("great fun\n" * 5000)
    process.stdin.flush()
    assert process.stdout.readline().startswith("pos\t")
    assert process.poll() is None
    process.stdin.close()
    # Not communicate, which misses what readline has read ahead.
    assert process.stdout.read().count("\n") == 4999
    assert (process.wait(PATIENCE), process.stderr.read()) == (0, "")
