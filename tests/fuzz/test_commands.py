"""Any arguments, files and standard input: a documented exit code, and never a traceback."""

from __future__ import annotations

import io
import re
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from fuzzing.mutation import mutated
from fuzzing.nasty import GOOD, files
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain import cli
from tests.onnx_models import model_bytes, write_model
from tests.shapes import Shape

FILES = files()
CODES = re.findall(
    r"^\| (\d+) \|", (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8"), re.MULTILINE
)
BUG = 1
VALUES = [
    *(
        "run",
        "broken",
        "no/run",
        "config.yaml",
        "good.tsv",
        "bad.csv",
        "bad.jsonl.gz",
        ".",
        "",
        "*",
        "[",
        "**",
    ),
    *("test", "dev", "train", "tsv", "jsonl", "0", "1", "-1", "9" * 30, "a joy", "\udcff", "\x1b[2J", "a\nb"),
    *(
        "accuracy=0.9",
        "accuracy=nan",
        "log_loss=",
        "data.train=good.tsv",
        "data.bad_rows=skip",
        "data.dev=[",
        "=",
    ),
]
FLAGS = ["--json", "--probabilities", "--overwrite", "--quiet", "--debug", "--help", "--version", "-x", "--"]
OPTIONS = [
    "--data",
    "--split",
    "--require",
    "--errors",
    "--text",
    "--format",
    "--top-k",
    "--set",
    "--out",
    "--run",
]
USEFUL = {
    "eval": ("--data", "--split", "--require", "--errors", "--json"),
    "predict": ("--text", "--format", "--top-k", "--probabilities"),
    "fit": ("--out", "--set", "--overwrite", "--quiet"),
    "check": ("--set", "--json"),
}

# What an argument can hold: no NUL, and bytes that are not UTF-8 as such surrogates.
values = st.one_of(
    st.sampled_from(VALUES), st.text(max_size=5).map(lambda text: text.replace("\0", "\udc80"))
)
anything = st.one_of(
    st.tuples(st.sampled_from(OPTIONS), values), st.tuples(st.sampled_from(FLAGS)), st.tuples(values)
)


def useful(command: str) -> st.SearchStrategy[tuple[str, ...]]:
    """An option that the command has, with a value if it takes one."""
    return st.sampled_from(USEFUL[command]).flatmap(
        lambda option: st.tuples(st.just(option), values) if option in OPTIONS else st.just((option,))
    )


def options(command: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.one_of(useful(command), useful(command), anything), max_size=3).map(
        lambda groups: [word for group in groups for word in group]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a model of random weights, one that is damaged, a config and some data; the current folder."""
    folder = tmp_path_factory.mktemp("commands")
    for name in ("run", "broken"):
        (folder / name / "metrics").mkdir(parents=True)
        (folder / name / "config.yaml").write_text("data: {train: bad.csv, dev: 0.5, test: good.tsv}\n")
        write_model(folder / name, model_bytes(Shape())[: None if name == "run" else -99])
    (folder / "config.yaml").write_text("data: {train: bad.csv, dev: 0.5}\n")
    (folder / "good.tsv").write_bytes(GOOD[".tsv"])
    (folder / "bad.csv").write_bytes(FILES["a quote never closed", ".csv"])
    (folder / "bad.jsonl.gz").write_bytes(FILES["gzip: cut in the data", ".jsonl.gz"])
    return folder


class Output(io.TextIOWrapper):
    """Standard output, kept."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="backslashreplace")

    def content(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


def run(*arguments: str, folder: Path, stdin: bytes = b"") -> tuple[int, str]:
    """The exit code and what was said on standard error; AssertionError unless they are as documented."""
    out, err = Output(), Output()
    with (
        tempfile.TemporaryFile() as given,
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch("sys.stdin", io.TextIOWrapper(given)),
    ):
        given.write(stdin)
        given.seek(0)
        patch.chdir(folder)
        code = cli._run(list(arguments))
    assert str(code) in CODES
    assert code != BUG, err.content()
    if "--debug" not in arguments:
        assert "Traceback" not in err.content()
    assert (code != 0) <= bool(err.content())
    return code, err.content()


@pytest.mark.parametrize(
    "start",
    [
        ("eval", "--run", "run"),
        ("predict", "--run", "run"),
        ("check", "data", "config.yaml"),
        ("check", "config", "config.yaml"),
    ],
)
@settings(deadline=None, max_examples=150)
@given(data=st.data(), stdin=st.binary(max_size=20))
def test_arguments(folder: Path, start: tuple[str, ...], data: st.DataObject, stdin: bytes) -> None:
    run(*start, *data.draw(options(start[0])), folder=folder, stdin=stdin)


@settings(deadline=None, max_examples=100)
@given(words=st.lists(values, max_size=3))
def test_words(folder: Path, words: list[str]) -> None:
    run(*words, folder=folder)


@settings(deadline=None, max_examples=150)
@given(some=options("fit"))
def test_arguments_of_fit(folder: Path, some: list[str]) -> None:
    """Its data are always bad, so that no training begins."""
    code, _ = run("fit", "--set", "data.train=bad.jsonl.gz", "config.yaml", *some, folder=folder)
    assert code in (0, 2, 3, 4)
    assert code or {"--help", "--version"} & set(some)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2**32), st.booleans())
def test_data(folder: Path, name: tuple[str, str], seed: int, worse: bool) -> None:
    data = FILES[name]
    path = folder / f"data{name[1]}"
    path.write_bytes(mutated(data, Random(seed)) if worse else data)
    assert run("eval", "--run", "run", "--data", path.name, folder=folder)[0] in (0, 3)
    assert run("predict", "--run", "run", path.name, folder=folder)[0] in (0, 3)
    assert run("predict", "--run", "run", folder=folder, stdin=path.read_bytes())[0] in (0, 3)
