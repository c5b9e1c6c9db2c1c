from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqtrain.config import Config, config_from, explained, load_config, resolved
from seqtrain.config.layers import MOST_BYTES
from seqtrain.config.problems import sections
from seqtrain.config.schema import Cell, Decision, Metric, Pooling, Wide
from seqtrain.config.schema import Tokenizer as TokenizerBlock
from seqtrain.errors import UsageError
from seqtrain.evaluation.decision import SCORES
from seqtrain.evaluation.metrics import METRICS
from seqtrain.inference.metadata import DECISION_METRICS
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS

DATA = {"train": "train.tsv", "dev": "dev.tsv"}
NO_SHARE = "not a share between 0 and 1. Write one such as 0.1, or a file name."
NO_FILE = "not a file name. Put a name that looks like a number in quotes."
MIXED = "has both numbers and names. Name all columns, or number all."
TWICE = "twice. Give label, text and weight columns of their own."
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nested(key: str, value: Any) -> dict[str, Any]:
    """A config with all that is required, and a value at a dotted key."""
    values: dict[str, Any] = {"data": dict(DATA)}
    *sections, name = key.split(".")
    inner = values
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[name] = value
    return values


def complaints(values: dict[str, Any], *overrides: str) -> list[str]:
    """The messages about a wrong config, which lacks nothing unless it has a `data` of its own."""
    with pytest.raises(UsageError) as caught:
        config_from({"data": DATA, **values}, overrides)
    return str(caught.value).split("\n")


def test_defaults_are_those_of_the_design() -> None:
    config = config_from({"data": DATA})
    assert config.model_dump() == {
        "data": {
            "train": "train.tsv",
            "dev": "dev.tsv",
            "test": None,
            "columns": None,
            "split_seed": 1,
            "max_line_bytes": 1_048_576,
            "bad_rows": "error",
            "cache": True,
        },
        "tokenizer": {"kind": "word", "lowercase": True, "max_length": 400, "truncate": "middle"},
        "vocabulary": {"max_size": 30_000, "min_count": 2, "from_vectors": 20_000},
        "model": {
            "embedding_size": 128,
            "cell": "lstm",
            "units": 128,
            "layers": 1,
            "bidirectional": True,
            "pooling": ["mean"],
            "dropout": {"words": 0.5, "rare": 0.0, "features": 0.3},
            "wide": None,
            "vectors": None,
        },
        "training": {
            "epochs": 5,
            "batch_tokens": 8192,
            "max_batch": 64,
            "learning_rate": 0.001,
            "schedule": "cosine",
            "warmup": 0.05,
            "clip_norm": 1.0,
            "evaluate_every": None,
            "patience": 2,
            "metric": "accuracy",
            "checkpoint_every": None,
            "checkpoint_minutes": 5.0,
            "class_weights": None,
            "freeze_vectors": 0,
            "init_from": None,
            "seed": 1,
            "threads": None,
        },
        "decision": None,
        "baseline": True,
    }


def test_every_problem_of_a_file_is_reported_at_once_in_the_order_of_its_lines(folder: Path) -> None:
    (folder / "bad.yaml").write_text(
        "data:\n"
        "  train: 5\n"
        "  dev: 1.5\n"
        "  colums: {label: 0}\n"
        "modle:\n"
        "  cell: lstm\n"
        "model:\n"
        "  cell: lstmm\n"
        "  units: five\n"
        "  units: 6\n"
        "  pooling: [mean, meen]\n"
        "  bidirectional: yes\n"
        "  dropout: 0.5\n"
        "  epochs: 3\n"
        "training:\n"
        "  batch_tokens: 32\n"
        "  patience: 0\n"
        "  clip_norm: 0\n"
        "  optimizer: adam\n"
        "  seed:\n"
    )
    with pytest.raises(UsageError) as caught:
        load_config("bad.yaml", ["training.metric=acuracy", "training.schedule"])
    assert str(caught.value).split("\n") == [
        "bad.yaml:2: data.train: 5 is not a file name. Put a name that looks like a number in quotes.",
        "bad.yaml:3: data.dev: 1.5 is not a share between 0 and 1. Write one such as 0.1, or a file name.",
        "bad.yaml:4: data.colums: unknown key. Did you mean 'data.columns'?",
        "bad.yaml:5: modle: unknown section. Did you mean 'model'?",
        "bad.yaml:8: model.cell: 'lstmm' is not one of lstm, gru, rnn. Did you mean 'lstm'?",
        "bad.yaml:9: model.units: 'five' is not a whole number. Write one such as 128.",
        "bad.yaml:10: model.units: stands here a second time, after line 9. Delete one of the two.",
        "bad.yaml:11: model.pooling: 'meen' is not one of mean, max, last, attention. Did you mean 'mean'?",
        "bad.yaml:12: model.bidirectional: 'yes' is neither true nor false. Write true.",
        "bad.yaml:13: model.dropout: 0.5 is no section. Write its keys below it, indented.",
        "bad.yaml:14: model.epochs: unknown key. Did you mean 'training.epochs'?",
        "bad.yaml:16: training.max_batch: 64 rows do not fit into training.batch_tokens, 32. Lower the one or "
        "raise the other.",
        "bad.yaml:17: training.patience: 0 is too small. Write 1 or more.",
        "bad.yaml:18: training.clip_norm: 0 is too small. Write more than 0.",
        "bad.yaml:19: training.optimizer: unknown key. Known here: epochs, batch_tokens, max_batch, "
        "learning_rate, schedule, warmup, clip_norm, evaluate_every, patience, metric, checkpoint_every, "
        "checkpoint_minutes, class_weights, freeze_vectors, init_from, seed, threads.",
        "bad.yaml:20: training.seed: has no value. Write one such as 1, or delete the line.",
        "--set training.metric=acuracy: training.metric: 'acuracy' is not one of accuracy, macro_f1, "
        "weighted_f1, log_loss. Did you mean 'accuracy'?",
        "--set training.schedule: has no '='. Write key=value, as in training.epochs=3.",
    ]


def test_required_keys_are_named_at_their_section(folder: Path) -> None:
    (folder / "bad.yaml").write_text("model:\n  cell: gru\ndata:\n  tset: x.tsv\n")
    with pytest.raises(UsageError) as caught:
        load_config("bad.yaml")
    assert str(caught.value).split("\n") == [
        "bad.yaml:3: data.train: is missing. Add it: Files to train on.",
        "bad.yaml:3: data.dev: is missing. Add it: Files to choose the best weights on, or the share of the "
        "training rows to hold out for it, stratified by label.",
        "bad.yaml:4: data.tset: unknown key. Did you mean 'data.test'?",
    ]


def test_required_keys_without_a_section_are_named_at_the_top(folder: Path) -> None:
    (folder / "bad.yaml").write_text("# nothing else\nmodel:\n")
    with pytest.raises(UsageError) as caught:
        load_config("bad.yaml")
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        ["bad.yaml:1", "data.train"],
        ["bad.yaml:1", "data.dev"],
    ]


def test_an_empty_section_has_its_defaults(folder: Path) -> None:
    (folder / "config.yaml").write_text("data: {train: a.tsv, dev: 0.1}\nmodel:\n  dropout:\ntraining:\n")
    assert (
        load_config("config.yaml").model_dump()
        == config_from({"data": {"train": "a.tsv", "dev": 0.1}}).model_dump()
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        *(
            (
                "training.class_weights",
                value,
                f"{shown} is neither balanced nor a positive number for each label. Write one such as {{pos: 2}}.",
            )
            for value, shown in [
                ("even", "'even'"),
                ([], "[]"),
                ({}, "{}"),
                ({"pos": 0}, '{"pos": 0}'),
                ({"pos": True}, '{"pos": true}'),
                ({"pos": float("inf")}, '{"pos": Infinity}'),
            ]
        ),
        (
            "decision",
            {"metric": "accuracy", "label": "pos"},
            "has a label, but accuracy is of all labels. Delete it, or choose f1.",
        ),
        ("vocabulary.max_size", 2, "2 is too small. Write 3 or more."),
        ("vocabulary.min_count", 0, "0 is too small. Write 1 or more."),
        ("vocabulary.min_count", 2.5, "2.5 is not a whole number. Write one such as 2."),
        ("tokenizer.max_length", 0, "0 is too small. Write 1 or more."),
        ("tokenizer.lowercase", 1, "1 is neither true nor false. Write true or false."),
        ("tokenizer.truncate", "End", "'End' is not one of head, tail, middle. Write one of them."),
        ("training.evaluate_every", 0, "0 is too small. Write 1 or more."),
        ("training.evaluate_every", -5, "-5 is too small. Write 1 or more."),
        ("training.evaluate_every", "often", "'often' is not a whole number. Write one such as 500."),
        ("training.warmup", 1, "1 is too large. Write less than 1."),
        ("training.learning_rate", 0, "0 is too small. Write more than 0."),
        ("training.learning_rate", "fast", "'fast' is not a number. Write one such as 0.001."),
        ("training.learning_rate", math.inf, "Infinity is not a finite number. Write one such as 0.001."),
        ("training.seed", True, "true is not a whole number. Write one such as 1."),
        ("training.seed", 2**31, "2147483648 is too large. Write 2147483647 or less."),
        ("training.threads", 1025, "1025 is too large. Write 1024 or less."),
        ("model.pooling", [], "is an empty list. Name at least one."),
        ("model.pooling", ["max", "mean", "max"], "has 'max' twice. Name each pooling once."),
        ("model.cell", 5, "5 is not one of lstm, gru, rnn. Write one of them."),
        ("model.dropout.words", 1.0, "1.0 is too large. Write less than 1."),
        ("model.dropout.wrods", 0.1, "unknown key. Did you mean 'model.dropout.words'?"),
        ("model.max_size", 9, "unknown key. Did you mean 'vocabulary.max_size'?"),
        ("model", ["cell"], '["cell"] is no section. Write its keys below it, indented.'),
        (
            "model.wide",
            2,
            "2 is no section. Write its keys below it, indented, or {} for its defaults, or null for none.",
        ),
        ("decision", "f1", "'f1' is no section. Write its keys below it, indented, or null for none."),
        ("data.dev", 0, f"0 is {NO_SHARE}"),
        ("data.dev", 1, f"1 is {NO_SHARE}"),
        ("data.dev", -0.1, f"-0.1 is {NO_SHARE}"),
        ("data.dev", math.nan, f"NaN is {NO_SHARE}"),
        ("data.dev", "10%", "'10%' is not a share. Write a number such as 0.1."),
        ("data.dev", True, f"true is {NO_FILE}"),
        ("data.dev", None, "has no value. Write one such as data/dev.tsv, or delete the line."),
        ("data.train", [], "is an empty list. Name at least one file."),
        ("data.train", ["a.tsv", 7], f"7 is {NO_FILE}"),
        ("data.train", "", "'' is not a file name. Write a path or a pattern such as 'data/*.tsv'."),
        ("data.test", 0.1, f"0.1 is {NO_FILE}"),
        ("data.max_line_bytes", 0, "0 is too small. Write 1 or more."),
        ("data.columns", {"label": 0, "text": "body"}, MIXED),
        ("data.columns", {"label": "y", "text": ["a", 2]}, MIXED),
        ("data.columns", {"label": 0, "text": 1, "weight": "w"}, MIXED),
        ("data.columns", {"label": 1, "text": 1}, f"uses column 1 {TWICE}"),
        ("data.columns", {"label": "y", "text": ["a", "y"]}, f"uses column 'y' {TWICE}"),
        ("data.columns", {"label": "y", "text": ["a", "a"]}, f"uses column 'a' {TWICE}"),
        ("data.columns", {"label": 0, "text": 1, "weight": 1}, f"uses column 1 {TWICE}"),
    ],
)
def test_wrong_values(key: str, value: Any, message: str) -> None:
    assert complaints(nested(key, value)) == [f"config: {key}: {message}"]


@pytest.mark.parametrize(
    ("label", "text", "message"),
    [
        (-1, 1, "label: -1 is not a column. Count columns from 0."),
        (True, 1, "label: true is not a column. Write its name, or its number counted from 0."),
        (1.5, 1, "label: 1.5 is not a column. Write its name, or its number counted from 0."),
        ("", "text", "label: '' is not a column. Write its name, or its number counted from 0."),
        (0, [], "text: is an empty list. Name at least one column."),
        (0, [1, -2], "text: -2 is not a column. Count columns from 0."),
    ],
)
def test_what_is_no_column(label: Any, text: Any, message: str) -> None:
    assert complaints(nested("data.columns", {"label": label, "text": text})) == [
        f"config: data.columns.{message}"
    ]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("a.jsonl.gz", "has numbers, but the lines of a .jsonl file have keys. Write their names."),
        ("A.TXT", "is set, but .txt files have no columns. Delete it, or name .tsv, .csv or .jsonl files."),
    ],
)
def test_columns_that_the_files_cannot_have(train: str, message: str) -> None:
    values = {"data": {"train": train, "dev": 0.1, "columns": {"label": 0, "text": 1}}}
    assert complaints(values) == [f"config: data.columns: {message}"]


@pytest.mark.parametrize(
    "data",
    [
        {"train": ["a.tsv", "b/*.csv.gz"], "dev": 0.1, "test": ["c.jsonl"]},
        {"train": "a.csv", "columns": {"label": "no", "text": ["title", "body"], "weight": "w"}},
        {"train": "a.txt", "dev": "b.tsv", "columns": {"label": 3, "text": 1}},
        {"train": Path("data") / "a.tsv", "dev": (Path("b.tsv"), "c.tsv")},
    ],
)
def test_possible_data(data: dict[str, Any]) -> None:
    config = config_from({"data": {**DATA, **data}})
    assert config.data.train in ("a.txt", "a.csv", "data/a.tsv", ["a.tsv", "b/*.csv.gz"])


def test_one_pooling_may_stand_without_brackets() -> None:
    assert config_from({"data": DATA, "model": {"pooling": "max"}}).model.pooling == ["max"]


def test_an_impossible_pair_is_named_where_the_last_of_the_two_was_written(folder: Path) -> None:
    (folder / "config.yaml").write_text(
        "data: {train: a, dev: b}\ntraining:\n  max_batch: 128\n  batch_tokens: 64\n"
    )
    for overrides, place in (
        ([], "config.yaml:4"),
        (["training.max_batch=65"], "--set training.max_batch=65"),
        (["training.max_batch=65", "training.batch_tokens=9"], "--set training.batch_tokens=9"),
    ):
        with pytest.raises(UsageError) as caught:
            load_config("config.yaml", overrides)
        assert str(caught.value).startswith(f"{place}: training.max_batch: ")
    assert load_config("config.yaml", ["training.max_batch=64"]).training.max_batch == 64


class TestOverrides:
    def test_they_count_more_than_the_file_and_the_last_one_most(self, folder: Path) -> None:
        (folder / "config.yaml").write_text("data: {train: a, dev: b}\nmodel: {cell: gru, units: 7}\n")
        config = load_config("config.yaml", ["model.cell=rnn", "model.cell=lstm", "training.seed=3"])
        assert (config.model.cell, config.model.units, config.training.seed) == ("lstm", 7, 3)

    @pytest.mark.parametrize(
        ("override", "section", "key", "value"),
        [
            ("model.pooling=[mean,max]", "model", "pooling", ["mean", "max"]),
            ("model.pooling=last", "model", "pooling", ["last"]),
            ("training.learning_rate=1e-4", "training", "learning_rate", 1e-4),
            ("training.patience=null", "training", "patience", None),
            ("training.patience=", "training", "patience", None),
            ("tokenizer.lowercase=false", "tokenizer", "lowercase", False),
            ("data.dev=0.25", "data", "dev", 0.25),
            ("data.train=[a.tsv, 'b c.tsv']", "data", "train", ["a.tsv", "b c.tsv"]),
            ("data.train='x=y.tsv'", "data", "train", "x=y.tsv"),
            (" model.units = 3", "model", "units", 3),
        ],
    )
    def test_values_are_yaml(self, override: str, section: str, key: str, value: Any) -> None:
        config = config_from({"data": DATA}, [override])
        assert getattr(getattr(config, section), key) == value

    @pytest.mark.parametrize(("value", "wide"), [("{}", Wide()), ("null", None), ("", None)])
    def test_a_section_that_need_not_be_there_comes_and_goes(self, value: str, wide: Wide | None) -> None:
        config = config_from({"data": DATA, "model": {"wide": {"ngrams": 3}}}, [f"model.wide={value}"])
        assert config.model.wide == wide

    def test_they_may_be_all_there_is(self) -> None:
        overrides = ["data.train=a.tsv", "data.dev=0.1", "data.columns.label=1", "data.columns.text=0"]
        config = config_from({}, overrides)
        assert config.data.columns is not None
        assert config.data.columns.label == 1

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("model.cell", "has no '='. Write key=value, as in training.epochs=3."),
            ("model=gru", "model: is a section. Name one of its keys, such as model.embedding_size."),
            (
                "model.dropout=0.1",
                "model.dropout: is a section. Name one of its keys, such as model.dropout.words.",
            ),
            ("model.cel=gru", "model.cel: unknown key. Did you mean 'model.cell'?"),
            ("epochs=3", "epochs: unknown section. Did you mean 'training.epochs'?"),
            ("modle.cell=gru", "modle.cell: unknown key. Did you mean 'model.cell'?"),
            ("model.units.x=3", "model.units.x: unknown key. There is no section 'model.units'."),
            (
                "=3",
                "unknown section. Known here: data, tokenizer, vocabulary, model, training, decision, baseline.",
            ),
            ("model.units=many", "model.units: 'many' is not a whole number. Write one such as 128."),
            ("model.units={a: 1}", 'model.units: {"a": 1} is not a whole number. Write one such as 128.'),
            (
                "data.train=*.tsv",
                "data.train: not valid YAML: expected alphabetic or numeric character, but found '.'. "
                "Put text that starts with * in quotes.",
            ),
            (
                "data.columns.label=0",
                "data.columns.text: is missing. Add it: Column of the text; of several, the texts are joined "
                "with a space.",
            ),
        ],
    )
    def test_wrong_ones_are_named_by_their_text(self, override: str, message: str) -> None:
        assert complaints({}, override) == [f"--set {override}: {message}"]

    def test_a_section_that_is_none_is_still_reported(self) -> None:
        assert complaints({"model": 5}, "model.cell=gru") == [
            "config: model: 5 is no section. Write its keys below it, indented."
        ]

    def test_the_mapping_given_stays_as_it_was(self) -> None:
        values: dict[str, Any] = {"data": dict(DATA), "model": {}}
        config_from(values, ["model.cell=gru", "training.seed=5"])
        assert values == {"data": DATA, "model": {}}


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", ": is empty. It has to say at least data.train and data.dev."),
            (b"# data:\n", ": is empty. It has to say at least data.train and data.dev."),
            (b"- train\n", ":1: [\"train\"] is no section. Write sections such as 'data:'."),
            (b"train.tsv", ":1: 'train.tsv' is no section. Write sections such as 'data:'."),
            (
                b"data:\n\ttrain: x",
                ":2: not valid YAML: found character '\\t' that cannot start any token. Indent with spaces, not tabs.",
            ),
            (b"data:\n  train: caf\xe9.tsv\n", ":2: is not UTF-8. Save the file as UTF-8."),
            (
                b"#" * (MOST_BYTES + 1),
                ": has more than 262,144 bytes. Name a config; data files stand in data.train.",
            ),
        ],
    )
    def test_content_that_is_no_config(self, content: bytes, message: str, folder: Path) -> None:
        (folder / "c.yaml").write_bytes(content)
        with pytest.raises(UsageError) as caught:
            load_config("c.yaml")
        assert str(caught.value) == f"c.yaml{message}"

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            (
                "configs/reviws.yaml",
                "configs/reviws.yaml: no such file. Did you mean 'configs/reviews.yaml'?",
            ),
            ("configs/reviews", "configs/reviews: no such file. Did you mean 'configs/reviews.yaml'?"),
            ("configs/zzz.yaml", "configs/zzz.yaml: no such file. Name a YAML file."),
            ("config/reviews.yaml", "config/reviews.yaml: no such file. There is no folder 'config'."),
            ("configs", "configs: cannot be read: Is a directory. Name a YAML file that you may read."),
        ],
    )
    def test_files_that_cannot_be_read(self, path: str, message: str, folder: Path) -> None:
        (folder / "configs").mkdir()
        (folder / "configs" / "reviews.yaml").touch()
        with pytest.raises(UsageError) as caught:
            load_config(path)
        assert str(caught.value) == message

    def test_a_byte_order_mark_and_windows_line_ends_are_accepted(self, folder: Path) -> None:
        (folder / "c.yaml").write_bytes(b"\xef\xbb\xbfdata:\r\n  train: a.tsv\r\n  dev: 0.1\r\n")
        assert load_config("c.yaml").data.train == "a.tsv"

    def test_lines_are_counted_the_same_with_windows_line_ends(self, folder: Path) -> None:
        (folder / "c.yaml").write_bytes(b"data:\r\n  train: a.tsv\r\n  dev: 2\r\n")
        with pytest.raises(UsageError, match=r"^c\.yaml:3: data\.dev: "):
            load_config("c.yaml")


# On a busy machine a single example may take long, and the first ones most of all.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def section(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the keys of a section."""
    return st.fixed_dictionaries({}, optional=keys)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda name: not name.rstrip().endswith("%")
)
CONFIGS = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {
                "train": NAMES | st.lists(NAMES, min_size=1, max_size=3),
                "dev": NAMES | st.floats(0, 1, exclude_min=True, exclude_max=True),
            }
        )
    },
    optional={
        "tokenizer": section(lowercase=st.booleans(), max_length=st.integers(1, 10**6)),
        "model": section(pooling=st.lists(st.sampled_from(get_args(Pooling)), min_size=1, unique=True)),
        "training": section(
            learning_rate=st.floats(0, 1, exclude_min=True),
            clip_norm=st.none() | st.floats(0, 1e300, exclude_min=True),
            patience=st.none() | st.integers(1, 99),
        ),
    },
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for Hypothesis to write over and over."""
    return tmp_path_factory.mktemp("config") / "config.yaml"


@patient
@given(values=CONFIGS)
def test_a_resolved_config_means_the_same(values: dict[str, Any], file: Path) -> None:
    config = config_from(values)
    file.write_bytes(resolved(config).encode())
    assert load_config(file).model_dump() == config.model_dump()


def test_a_resolved_config_says_what_was_overridden() -> None:
    config = config_from(
        {"data": DATA, "model": {"units": 9}}, ["model.cell=gru", "training.seed=2", "model.cell=rnn"]
    )
    marked = [line.strip() for line in resolved(config).split("\n") if "#" in line]
    assert marked == ["cell: rnn  # --set model.cell=rnn", "seed: 2  # --set training.seed=2"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = {path[0]: list(section.model_fields) for path, section in sections(Config).items() if len(path) == 1}


@patient
@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            name: ANYTHING | st.dictionaries(st.sampled_from(keys), ANYTHING, max_size=3)
            for name, keys in KEYS.items()
        },
    )
)
def test_no_value_of_any_kind_causes_anything_but_a_usage_error(values: dict[str, Any]) -> None:
    with suppress(UsageError):
        config_from(values)


@patient
@given(text=st.text(), override=st.text() | st.text().map("model.cell={}".format))
def test_no_text_causes_anything_but_a_usage_error(text: str, override: str, file: Path) -> None:
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(UsageError):
        load_config(file, [override])


@pytest.mark.parametrize("name", ["reviews", "tiny"])
def test_the_configs_of_the_project_are_whole(name: str) -> None:
    config = load_config(REPOSITORY / "configs" / f"{name}.yaml")
    assert config.data.train == f"data/{name}/train.tsv"


def test_choices_are_those_of_the_modules_that_make_them() -> None:
    fields = TokenizerBlock.model_fields
    assert set(get_args(fields["kind"].annotation)) == set(TOKENIZERS)
    assert set(get_args(fields["truncate"].annotation)) == set(TRUNCATIONS)
    # ROC AUC is not defined on every dev split; the others tell little of how good the labels are.
    assert set(get_args(Metric)) == set(METRICS) - {"roc_auc", "brier", "ece"}


def test_a_label_is_text() -> None:
    decision = {"metric": "f1", "label": 5}
    assert complaints({"decision": decision}) == ["config: decision.label: 5 is not text. Put it in quotes."]


def test_metrics_of_a_threshold_are_those_that_one_can_be_tuned_for() -> None:
    metrics = get_args(Decision.model_fields["metric"].annotation)
    assert set(metrics) == set(SCORES) == set(DECISION_METRICS)


def test_choices_of_the_network_are_those_of_the_modules_that_build_it() -> None:
    from seqtrain.config.schema import Training
    from seqtrain.model.pooling import POOLINGS
    from seqtrain.model.recurrence import CELLS
    from seqtrain.training.schedule import SCHEDULES

    assert set(get_args(Cell)) == set(CELLS)
    assert set(get_args(Pooling)) == set(POOLINGS)
    assert set(get_args(Training.model_fields["schedule"].annotation)) == set(SCHEDULES)


def test_checking_a_config_imports_neither_numpy_nor_tensorflow() -> None:
    code = (
        "import json, sys; from seqtrain.config import config_from\n"
        "config_from({'data': {'train': 'a', 'dev': 0.1}})\n"
        "print(json.dumps(sorted({'numpy', 'tensorflow'} & set(sys.modules))))"
    )
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []


@pytest.mark.parametrize("name", ["reviews.yaml", "with a # sign.yaml", "bell\x07.yaml", "\udcff.yaml"])
def test_the_origin_of_every_value_is_told(folder: Path, name: str) -> None:
    """Whatever the file is called, the text is a config with the same values."""
    (folder / name).write_text(
        "model: {cell: gru, dropout: {words: 0.1}}\n"
        "data:\n"
        "  train:\n"
        "    - a.tsv\n"
        "    - b.tsv\n"
        "  dev: 0.2\n"
        "  columns: {label: 0, text: [1, 2]}\n"
        "training:\n"
    )
    overrides = ["training.epochs=1", "model.cell=rnn", "training.epochs=3", "data.test=a # b.tsv"]
    text = explained(name, overrides)
    lines = text.splitlines()
    shown = "".join(sign if sign.isprintable() else "?" for sign in name)
    for line in (
        f"  train: [a.tsv, b.tsv]  # {shown}:3",
        f"  dev: 0.2  # {shown}:6",
        f"    text: [1, 2]  # {shown}:7",
        f"    words: 0.1  # {shown}:1",
        "    weight: null  # default",
        "  cell: rnn  # --set model.cell=rnn",
        "  epochs: 3  # --set training.epochs=3",
    ):
        assert line in lines
    sections = {"data:", "  columns:", "tokenizer:", "vocabulary:", "model:", "  dropout:", "training:"}
    assert [line for line in lines if "  # " not in line] == [line for line in lines if line in sections]
    (folder / "again.yaml").write_text(text)
    assert load_config("again.yaml").model_dump() == load_config(name, overrides).model_dump()


def test_a_wrong_config_is_not_explained(folder: Path) -> None:
    (folder / "bad.yaml").write_text("data: {train: 5, dev: 0.1}\n")
    with pytest.raises(UsageError, match=r"bad\.yaml:1: data\.train: 5 is not a file name"):
        explained("bad.yaml")
