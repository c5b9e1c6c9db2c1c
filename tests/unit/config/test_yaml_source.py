from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqtrain.config.yaml_source import NotYaml, read, write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("1e-3", 0.001),
        ("1E5", 100_000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0.001", 0.001),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("NULL", "NULL"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("010", "010"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("[a, 1, no]", ["a", 1, "no"]),
    ],
)
def test_plain_words(text: str, value: Any) -> None:
    result = read(f"key: {text}").value
    assert result == {"key": value}
    assert type(result["key"]) is type(value)


def test_keys_are_always_text() -> None:
    assert read("{no: 1, 2: 3, null: 4, 1.5: 5}").value == {"no": 1, "2": 3, "null": 4, "1.5": 5}


def test_merge_keys_have_no_magic() -> None:
    assert read("{<<: {a: 1}, b: 2}").value == {"<<": {"a": 1}, "b": 2}


def test_lines_count_from_one_and_name_the_key() -> None:
    document = read("# comment\n\nmodel:\n  cell: lstm\n  dropout:\n    words:\n      0.5\n")
    assert document.lines == {
        ("model",): 3,
        ("model", "cell"): 4,
        ("model", "dropout"): 5,
        ("model", "dropout", "words"): 6,
    }


def test_each_repeated_key_is_a_problem() -> None:
    document = read("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [(line, path) for line, path, _ in document.problems] == [(2, ("b", "c")), (3, ("a",))]
    assert document.value == {"a": 1, "b": {"c": 1}}


def test_a_key_that_is_a_list_is_a_problem() -> None:
    assert read("? [a, b]\n: 1\n").problems == [
        (1, (), "has a key that is a list or a mapping. Write a plain word.")
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_empty_documents_have_no_value(text: str) -> None:
    assert read(text).value is None


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n\tb: 1", 2, r"found character '\\t' .* Indent with spaces, not tabs\."),
        (
            "a: 1\nb: c: d",
            2,
            r"mapping values are not allowed here\. Put text that contains ': ' in quotes\.",
        ),
        ("a: 1\nb: *.tsv", 2, r"Put text that starts with \* in quotes\."),
        ("a: 1\nb: *all", 2, r"aliases are not allowed\. Put text that starts with \* or & in quotes\."),
        ("a: &name 1", 1, "aliases are not allowed"),
        ("a: !!python/name:os.system", 1, r"tags are not allowed\. Put text that starts with ! in quotes\."),
        ("a: !!int '5'", 1, "tags are not allowed"),
        ("a: @x", 1, r"Put text that starts with a special character in quotes\."),
        ("a: [1,\n  2\nb: 3", 3, r"while parsing a flow sequence \(line 1\), expected"),
        ("a: 1\n---\nb: 2", 2, "found another document"),
        ("a: 1\nb: \x00", 2, r"the character 0x0 is not allowed\. Delete it\."),
        (r'a: "\ud83d"', 1, "an escape stands for half a character"),
        ("a: 1\n" + r'"\udcff": b', 2, "an escape stands for half a character"),
        ("a: " + "[" * 50, 1, "nested more than 10 deep"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(NotYaml, match=message) as caught:
        read(text)
    assert caught.value.line == line


def test_an_alias_bomb_is_refused_at_once() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    start = time.process_time()
    with pytest.raises(NotYaml, match="aliases"):
        read("\n".join(levels))
    assert time.process_time() - start < 1


# On a busy machine a single example may take long, and the first ones most of all.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-1:'", max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@patient
@given(value=VALUES, comment=st.text())
def test_what_is_written_is_read_back(value: Any, comment: str) -> None:
    """Values of any kind and text of any characters; a comment changes nothing, whatever it says."""
    written = write({"key": value, "last": "x"}, {("last",): "".join(filter(str.isprintable, comment))})
    assert read(written).value == {"key": value, "last": "x"}


def test_comments_stand_behind_their_keys() -> None:
    values = {"model": {"cell": "gru", "pooling": ["mean", "max"]}, "training": {"seed": 2}}
    comments = {("model", "pooling"): "--set a\nb", ("training", "seed"): "--set training.seed=2"}
    assert write(values, comments) == (
        "model:\n"
        "  cell: gru\n"
        "  pooling: [mean, max]  # --set a b\n"
        "training:\n"
        "  seed: 2  # --set training.seed=2\n"
    )
