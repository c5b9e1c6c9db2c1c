"""Any text as a config and any overrides: a config that reads back the same, or problems that name their place."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from fuzzing.mutation import mutated
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.config import config_from, load_config, resolved
from seqtrain.errors import UsageError

VALID = resolved(
    config_from({"data": {"train": ["a.tsv", "b*.csv"], "dev": 0.1, "columns": {"label": 0, "text": [1]}}})
)
SIGNS = [
    *(
        "data",
        "train",
        "dev",
        "columns",
        "training",
        "epochs",
        "model",
        "pooling",
        "max_length",
        "a.tsv",
        "x",
    ),
    *(
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n- ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "|",
        ">",
        "#",
        "---",
        "...",
        "%",
    ),
    *(
        "&a ",
        "*a",
        "!!python/name:os ",
        "? ",
        "<<: ",
        "\\x00",
        "0",
        "1",
        "-1",
        "0.1",
        "1e999",
        "-.inf",
        ".nan",
    ),
    *("9" * 50, "true", "null", "~", "2024-01-01", "0x1F", "1_000"),
    *("\t", "\r", "\0", "\x1b", "\u0085", "\u2028", "\ufeff", "\ud800", "é", r'"\ud800"', r'"\0"', r'"\e"'),
]
KEYS = [
    "data.train",
    "data.dev",
    "data.columns",
    "data.columns.label",
    "training.epochs",
    "model.pooling",
    "model",
    "a.b",
    "",
]

texts = st.one_of(
    st.lists(st.sampled_from(SIGNS), max_size=30).map("".join),
    st.text(),
    st.integers(0, 2**32).map(lambda seed: mutated(VALID.encode(), Random(seed)).decode(errors="replace")),
)
overrides = st.one_of(
    st.lists(st.sampled_from(SIGNS), max_size=8).map("".join),
    st.tuples(st.sampled_from(KEYS), st.lists(st.sampled_from(SIGNS), max_size=5).map("".join)).map("=".join),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


def check(file: Path, content: bytes, *overrides: str) -> None:
    file.write_bytes(content)
    try:
        config = load_config(file, overrides)
    except UsageError as error:
        message = str(error)
    else:
        written = file.with_name("written.yaml")
        written.write_text(resolved(config), "utf-8")
        assert load_config(written).model_dump() == config.model_dump()
        return
    assert message.startswith((str(file), "--set "))


@settings(deadline=None, max_examples=1000)
@given(text=texts)
def test_texts(file: Path, text: str) -> None:
    check(file, text.encode(errors="surrogatepass"))


@settings(deadline=None, max_examples=200)
@given(content=st.binary())
def test_bytes(file: Path, content: bytes) -> None:
    check(file, content)
    check(file, VALID.encode() + content)


@settings(deadline=None, max_examples=500)
@given(some=st.lists(overrides, min_size=1, max_size=3))
def test_overrides(file: Path, some: list[str]) -> None:
    check(file, VALID.encode(), *some)
