"""The lines of `seqtrain predict`, next to a plain reading of what its options say."""

from __future__ import annotations

import codecs
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.cli.answers import Answers
from seqtrain.data.reader import Example

LABELS = ["neg", "pos"]
SURE = np.array([[0.9, 0.1], [0.5, 0.5], [0.25, 0.75], [0.375, 0.625]], np.float32)


def lines(rows: Any, kept: list[tuple[Any, ...]] | None = None, **options: Any) -> list[str]:
    """What is written for these probabilities <float32>[rows, classes]; every line has its end."""
    usual = {
        "form": "tsv",
        "keep": (),
        "probabilities": False,
        "top_k": None,
        "threshold": None,
        "abstain": None,
    }
    labels = options.pop("labels", LABELS)
    examples = [Example("", None, 1.0, "f", 1, kept=values) for values in kept or [()] * len(rows)]
    written = list(Answers(labels, **{**usual, **options}).lines(examples, np.array(rows, np.float32)))
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written)
    return [line[:-1] for line in written]


def test_the_first_of_equal_labels() -> None:
    assert lines(SURE) == ["neg\t0.9000", "neg\t0.5000", "pos\t0.7500", "pos\t0.6250"]


def test_a_threshold_is_for_the_second_label() -> None:
    """The probability is that of the label which is answered, likely or not."""
    assert lines(SURE, threshold=0.75) == ["neg\t0.9000", "neg\t0.5000", "pos\t0.7500", "neg\t0.3750"]
    assert lines(SURE, threshold=0.5) == ["neg\t0.9000", "pos\t0.5000", "pos\t0.7500", "pos\t0.6250"]


def test_no_label_below_a_probability() -> None:
    assert lines(SURE, abstain=0.75) == ["neg\t0.9000", "?\t0.5000", "pos\t0.7500", "?\t0.6250"]
    assert lines(SURE, abstain=0.75, probabilities=True)[3] == "?\t0.6250\t0.3750\t0.6250"
    assert json.loads(lines(SURE, abstain=0.75, form="jsonl")[1]) == {"label": "?", "probability": 0.5}


shares = st.integers(0, 64).map(lambda share: [share / 64, 1 - share / 64])  # no float32 rounds them


@given(st.lists(shares, min_size=1), st.none() | st.integers(1, 63), st.none() | st.integers(1, 63))
def test_threshold_and_abstain_together(
    rows: list[list[float]], threshold: int | None, abstain: int | None
) -> None:
    expected = []
    for first, second in rows:
        label, probability = ("pos", second) if second > first else ("neg", first)
        if threshold is not None:
            label, probability = ("pos", second) if second * 64 >= threshold else ("neg", first)
        if abstain is not None and max(first, second) * 64 < abstain:
            label, probability = "?", max(first, second)
        expected.append({"label": label, "probability": round(probability, 6)})
    limits = {"threshold": threshold and threshold / 64, "abstain": abstain and abstain / 64}
    assert [json.loads(line) for line in lines(rows, form="jsonl", **limits)] == expected


def test_ties_among_the_most_probable_are_in_the_order_of_the_labels() -> None:
    rows, labels = [[0.125, 0.5, 0.125, 0.25]], list("abcd")
    assert lines(rows, labels=labels, top_k=3) == ["b\t0.5000\td\t0.2500\ta\t0.1250"]
    (record,) = lines(rows, labels=labels, top_k=9, form="jsonl")
    assert [top["label"] for top in json.loads(record)["top"]] == ["b", "d", "a", "c"]


def test_an_answer_that_is_less_probable_stands_first_and_lists_stay_in_order() -> None:
    """A model decides so, as a threshold of its own says."""
    assert lines(SURE[2:], threshold=0.75, top_k=2) == [
        "pos\t0.7500\tneg\t0.2500",
        "neg\t0.3750\tpos\t0.6250",
    ]
    assert lines(SURE[3:], threshold=0.75, top_k=1) == ["neg\t0.3750"]
    (record,) = lines(SURE[3:], threshold=0.75, top_k=2, form="jsonl")
    assert json.loads(record) == {
        "label": "neg",
        "probability": 0.375,
        "top": [{"label": "pos", "probability": 0.625}, {"label": "neg", "probability": 0.375}],
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(json_values, st.text(st.sampled_from("a\\\t\n\r\0\u2028é")))
def test_kept_values_come_back(value: Any, text: str) -> None:
    (record,) = lines(SURE[:1], [(value, text)], keep=("value", 1), form="jsonl")
    assert json.loads(record)["kept"] == {"value": value, "1": text}
    (line,) = lines(SURE[:1], [(value, text)], keep=("value", 1))
    label, _, *cells = line.split("\t")
    written, same = (codecs.escape_decode(cell.encode())[0].decode() for cell in cells)
    assert (label, same) == ("neg", text)
    assert (written if isinstance(value, str) else json.loads(written)) == value


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_kept_values_come_after_the_answer(form: str) -> None:
    (line,) = lines(SURE[:1], [("7", "a\tb")], keep=("id", "text"), probabilities=True, form=form)
    assert (
        line
        == {
            "tsv": "neg\t0.9000\t0.9000\t0.1000\t7\ta\\tb",
            "jsonl": '{"label": "neg", "probability": 0.9, "probabilities": {"neg": 0.9, "pos": 0.1}, '
            '"kept": {"id": "7", "text": "a\\tb"}}',
        }[form]
    )
