"""`seqtrain predict`: one record out per record in, in order, whatever they come in as."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import seqtrain as api
from seqtrain.inference.metadata import model_metadata
from tests.cli.command import PATIENCE, SEQTRAIN, Result, call, seqtrain, start, tree
from tests.cli.conftest import Fitted
from tests.decided_models import OF_POS, THRESHOLD, decided_model
from tests.decided_models import TEXTS as DECIDED_TEXTS
from tests.onnx_models import CARD, TOKENIZER, VOCABULARY, model_bytes
from tests.shapes import Shape

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


@pytest.mark.parametrize("name", FILES)
def test_standard_input_in_every_format(fitted: Fitted, tmp_path: Path, expected: str, name: str) -> None:
    content, format = FILES[name](TEXTS), name.partition(".")[2]
    command = ("predict", "--run", fitted.run, "--input-format", format)
    assert seqtrain(*command, cwd=tmp_path, stdin=content) == (0, expected, "")


def test_a_format_that_is_given_overrules_the_name(fitted: Fitted, tmp_path: Path, expected: str) -> None:
    for name, content in [
        ("texts.txt", as_csv(TEXTS).encode()),
        ("texts.gz", gzip.compress(as_csv(TEXTS).encode())),
    ]:
        (tmp_path / name).write_bytes(content)
        command = ("predict", "--run", fitted.run, "--input-format", "csv", name)
        assert seqtrain(*command, cwd=tmp_path) == (0, expected, "")


NASTY = ["a\tb", "line\nanother\r\n", "back\\slash\\n", "", "映画 \x1b[2J", "\u2028"]


def test_other_columns_are_carried_along(fitted: Fitted, tmp_path: Path) -> None:
    """Each value as one cell, from which `printf %b` makes it again."""
    file = io.StringIO()
    rows = [("pos", "great fun", "7", text) for text in NASTY]
    csv.writer(file, lineterminator="\n").writerows([("label", "text", "id", "note"), *rows])
    (tmp_path / "texts.csv").write_text(file.getvalue(), newline="")
    plain = ("predict", "--run", fitted.run, "--text", "great fun")
    answer = seqtrain(*plain, cwd=tmp_path).stdout.removesuffix("\n")
    command = ("predict", "--run", fitted.run, "--keep", "note", "--keep", "2", "--input-format", "csv")
    for result in (
        seqtrain(*command, "texts.csv", cwd=tmp_path),
        seqtrain(*command, cwd=tmp_path, stdin=file.getvalue()),
    ):
        assert (result.exit_code, result.stderr) == (0, "")
        lines = [line.rsplit("\t", 2) for line in result.stdout.removesuffix("\n").split("\n")]
        assert [(before, last) for before, _, last in lines] == [(answer, "7")] * len(NASTY)
        # The csv reader makes one LF of the line ends in a cell.
        cells = [codecs.escape_decode(cell.encode())[0].decode() for _, cell, _ in lines]
        assert cells == [text.replace("\r\n", "\n") for text in NASTY]


def test_json_values_are_carried_along_with_their_types(fitted: Fitted) -> None:
    rows = [{"text": text, "id": number, "tags": [text, None, 0.5]} for number, text in enumerate(TEXTS)]
    stdin = "".join(json.dumps(row) + "\n" for row in rows)
    options = ("--input-format", "jsonl", "--keep", "tags", "--keep", "id")
    command = ("predict", "--run", fitted.run, *options)
    result = seqtrain(*command, "--format", "jsonl", cwd=fitted.folder, stdin=stdin)
    kept = [json.loads(line)["kept"] for line in result.stdout.split("\n")[:-1]]
    assert kept == [{"tags": row["tags"], "id": row["id"]} for row in rows]
    result = seqtrain(*command, cwd=fitted.folder, stdin=stdin)
    assert [line.split("\t")[3] for line in result.stdout.split("\n")[:-1]] == list(
        map(str, range(len(rows)))
    )


def test_a_text_can_be_carried_along(fitted: Fitted) -> None:
    for command in (("--text", "great fun", "--keep", "text"), ("--keep", "0")):
        result = seqtrain("predict", "--run", fitted.run, *command, cwd=fitted.folder, stdin="great fun\n")
        assert result.stdout.endswith("\tgreat fun\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--keep", "id"), "standard input: plain text has no column 'id'\n  Its only column is 'text'."),
        (
            ("--keep", "id", "--text", "a"),
            "--text: plain text has no column 'id'\n  Its only column is 'text'.",
        ),
        (
            ("--keep", "id", "--input-format", "tsv"),
            "standard input:1: the header has no column 'id'\n  It has great fun.",
        ),
        (
            ("--keep", "0", "--input-format", "jsonl"),
            "standard input: JSON objects have keys, not column numbers\n"
            "  Name the keys, in data.columns or with --keep.",
        ),
    ],
)
def test_a_column_that_is_not_there(fitted: Fitted, arguments: tuple[str, ...], problem: str) -> None:
    result = seqtrain("predict", "--run", fitted.run, *arguments, cwd=fitted.folder, stdin="great fun\n")
    assert result == (3, "", f"error: {problem}\n")


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


def parting(values: Iterable[float]) -> float:
    """Halfway between two neighbours in the middle, for what is shown is rounded."""
    ordered = sorted(set(values))
    return sum(ordered[len(ordered) // 2 - 1 :][:2]) / 2


def test_threshold_and_abstain(fitted: Fitted) -> None:
    full = [json.loads(line) for line in records(fitted, "--format", "jsonl", "--probabilities")]
    abstain = parting(record["probability"] for record in full)
    threshold = parting(record["probabilities"]["pos"] for record in full if record["probability"] >= abstain)
    limits = ("--threshold", str(threshold), "--abstain", str(abstain))
    expected = []
    for record in full:
        label = "pos" if record["probabilities"]["pos"] >= threshold else "neg"
        sure = record["probability"] >= abstain
        shown = record["probabilities"][label] if sure else record["probability"]
        expected.append({"label": label if sure else "?", "probability": shown})
    answered = [json.loads(line) for line in records(fitted, "--format", "jsonl", *limits)]
    assert {record["label"] for record in answered} == {"neg", "pos", "?"}
    assert answered == expected
    for line, record in zip(records(fitted, *limits, "--probabilities"), expected, strict=True):
        label, probability, *both = line.split("\t")
        assert (label, float(probability)) == (
            record["label"],
            pytest.approx(record["probability"], abs=1e-4),
        )
        assert len(both) == 2


def test_a_model_decides_by_its_own_threshold_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(decided_model(THRESHOLD))
    command = ("predict", "--run", "model.onnx", "--format", "jsonl")
    texts = "".join(f"{text}\n" for text in DECIDED_TEXTS)
    for options, threshold in [((), THRESHOLD), (("--threshold", "0.5"), 0.5)]:
        result = seqtrain(*command, *options, cwd=tmp_path, stdin=texts)
        labels = [json.loads(line)["label"] for line in result.stdout.splitlines()]
        assert labels == ["pos" if probability >= threshold else "neg" for probability in OF_POS]
    (first,) = seqtrain(
        "predict", "--run", "model.onnx", "--top-k", "2", "--text", "dull and long and dull", cwd=tmp_path
    ).stdout.splitlines()
    assert [float(cell) > 0.5 for cell in first.split("\t")[1::2]] == [False, True]
    assert first.split("\t")[::2] == ["neg", "pos"]


@pytest.mark.parametrize(
    ("labels", "option", "problem"),
    [
        (["a", "b", "c"], "--threshold", "--threshold is for two labels, and the model has 3."),
        (["a", "?", "c"], "--abstain", "--abstain answers ?, which is a label of the model."),
    ],
)
def test_what_a_model_cannot_be_asked_for(
    tmp_path: Path, labels: list[str], option: str, problem: str
) -> None:
    metadata = model_metadata(labels, VOCABULARY, TOKENIZER, CARD)
    (tmp_path / "model.onnx").write_bytes(model_bytes(Shape(), metadata))
    result = seqtrain("predict", "--run", "model.onnx", option, "0.5", cwd=tmp_path, stdin=b"\xff\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"\nError: {problem}\n")


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


def test_windows_before_a_bad_record_are_answered(fitted: Fitted, tmp_path: Path) -> None:
    good = '{"text": "great fun"}\n'
    (tmp_path / "texts.jsonl").write_text(good * 25 + '{"text": 1}\n' + good)
    command = ("predict", "--run", fitted.run, "--batch-lines", "10", "texts.jsonl")
    result = seqtrain(*command, cwd=tmp_path)
    assert (result.exit_code, result.stdout.count("\n")) == (3, 25)
    assert result.stderr.startswith("error: texts.jsonl:26: 'text' is a number, not a string\n")


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
        (("--top-k", "2", "--threshold", "0.5"), "--top-k and --threshold exclude each other."),
        (("--top-k", "2", "--abstain", "0.5"), "--top-k and --abstain exclude each other."),
        (("--text", "good", "--input-format", "txt"), "--text and --input-format exclude each other."),
        (("--threshold", "1"), "Invalid value for '--threshold': 1.0 is no probability between 0 and 1."),
        (("--abstain", "nan"), "Invalid value for '--abstain': nan is no probability between 0 and 1."),
        (("--batch-lines", "0"), "Invalid value for '--batch-lines': 0 is not in the range x>=1."),
        (("--top-k", "0"), "Invalid value for '--top-k': 0 is not in the range x>=1."),
        (("--format", "csv"), "Invalid value for '--format': 'csv' is not one of 'tsv', 'jsonl'."),
    ],
)
def test_wrong_options(project: Path, arguments: tuple[str, ...], problem: str) -> None:
    """Told before the run is looked for: here is none."""
    result = seqtrain("predict", *arguments, cwd=project)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"\nError: {problem}\n")


class Conversation:
    """A command that is written to and listened to while its input stays open."""

    def __init__(self, *arguments: str | Path, cwd: Path) -> None:
        self.process = start(*arguments, cwd=cwd)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.patience = threading.Timer(PATIENCE, self.process.kill)  # else a missing answer is waited for
        self.patience.daemon = True
        self.patience.start()

    def say(self, text: str) -> None:
        self.stdin.write(text)
        self.stdin.flush()

    def hear(self, lines: int) -> list[str]:
        return [self.stdout.readline() for _ in range(lines)]

    def end(self) -> tuple[int, str, str]:
        """The exit code, and what is still to be read of stdout and stderr."""
        assert self.process.stderr is not None
        self.patience.cancel()
        self.stdin.close()
        # Not communicate, which misses what readline has read ahead.
        rest = "" if self.stdout.closed else self.stdout.read()
        return self.process.wait(PATIENCE), rest, self.process.stderr.read()


@pytest.mark.parametrize("options", [(), ("--batch-lines", "2"), ("--input-format", "csv")])
def test_what_has_arrived_is_answered_while_the_input_stays_open(
    fitted: Fitted, options: tuple[str, ...]
) -> None:
    """However few or many lines that is, and whatever begins after them."""
    talk = Conversation("predict", "--run", fitted.run, *options, cwd=fitted.folder)
    for count in (1, 1, 5, 2000):
        talk.say("great fun\n" * count)
        assert all(line.startswith("pos\t") for line in talk.hear(count))
    talk.say("great fun\nba")
    assert talk.hear(1)[0].startswith("pos\t")
    talk.say("d\n")
    assert talk.hear(1)[0].startswith("neg\t")
    assert talk.end() == (0, "", "")


def test_the_reader_of_the_answers_may_go_away(fitted: Fitted, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("great fun\n" * 50_000)
    talk = Conversation("predict", "--run", fitted.run, "texts.txt", cwd=tmp_path)
    assert talk.hear(1)[0].startswith("pos\t")
    talk.stdout.close()
    assert talk.end() == (0, "", "")


def test_the_reader_may_go_away_while_the_input_stays_open(fitted: Fitted) -> None:
    talk = Conversation("predict", "--run", fitted.run, cwd=fitted.folder)
    talk.say("great fun\n")
    assert talk.hear(1)[0].startswith("pos\t")
    talk.stdout.close()
    talk.say("great fun\n" * 5)
    assert talk.process.wait(PATIENCE) == 0
    assert talk.end() == (0, "", "")


def test_nothing_is_left_in_the_home_folder(fitted: Fitted, tmp_path: Path) -> None:
    """Where ONNX Runtime would keep an identifier of the machine for its telemetry."""
    moved = ["env", "-u", "ORT_DISABLE_TELEMETRY", "-u", "XDG_CACHE_HOME", f"HOME={tmp_path}"]
    predicted = call([*moved, *SEQTRAIN, "predict", "--text", "good"], cwd=fitted.folder)
    assert predicted.exit_code == 0, predicted.stderr
    assert tree(tmp_path) == {}
