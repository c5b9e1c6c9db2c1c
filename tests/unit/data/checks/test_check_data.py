"""The sections on tokens, and all of them together."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data import storage
from seqtrain.data.batching import plan_epoch
from seqtrain.data.checks import Section, check_data
from seqtrain.data.checks.batches import batches_section
from seqtrain.data.checks.cost import (
    BASE_BYTES,
    BATCH_SECONDS,
    ROW_BYTES,
    SHARE,
    cost_section,
    measured_speed,
)
from seqtrain.data.checks.coverage import coverage_of
from seqtrain.data.checks.lengths import bars, histogram, lengths_section
from seqtrain.data.checks.report import ERROR, PASSED, WARNING
from seqtrain.data.reader import Example
from seqtrain.data.splits import Splits
from seqtrain.data.storage import Corpus
from seqtrain.data.vectors import extra_words
from seqtrain.text.vocabulary import UNK
from tests.unit.data.checks.places import TOKENIZER, splits

PLAN = partial(plan_epoch, seed=1, epoch=0, batch_tokens=64, max_batch=4)
TOKEN_SECTIONS = ["lengths", "vocabulary", "batches", "cost"]


def corpus(rows: list[list[int]], max_length: int = 99) -> Corpus:
    lengths = [len(row) for row in rows]
    return Corpus(
        token_ids=np.concatenate(rows).astype(np.int32),
        offsets=np.cumsum([0, *lengths]),
        labels=np.zeros(len(rows), np.int32),
        weights=np.ones(len(rows), np.float32),
        truncated=np.array(lengths) >= max_length,
        files=np.zeros(len(rows), np.int32),
        lines=np.arange(1, len(rows) + 1),
        file_names=["a.tsv"],
    )


def checked(places: Splits, folder: Path, *, skip: bool = False, **vectors: Any) -> dict[str, Section]:
    found = check_data(
        places,
        TOKENIZER,
        folder / "encoded",
        min_count=1,
        max_size=100,
        skip_bad_rows=skip,
        processes=1,
        plan=PLAN,
        embedding_size=10,
        recurrent_weights=1000,
        **vectors,
    )
    return {section.name: section for section in found}


ROWS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=9), min_size=1, max_size=50)


@settings(deadline=None)
@given(ROWS, st.sampled_from([1, 10, 1000]))
def test_coverage(rows: list[list[int]], block_tokens: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "BLOCK_TOKENS", block_tokens)
        found = coverage_of(corpus(rows))
    unknown = [row.count(UNK) for row in rows]
    obscure = [f"a.tsv:{line}" for line, row in enumerate(rows, 1) if row.count(UNK) / len(row) > 0.5]
    assert (found.texts, found.tokens, found.unknown) == (len(rows), sum(map(len, rows)), sum(unknown))
    assert (found.obscure, found.examples) == (len(obscure), obscure[:5])


@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_the_histogram_has_every_text(lengths: list[int]) -> None:
    width, counts = histogram(np.array(lengths, np.int32))
    expected = [sum((length - 1) // width == bar for length in lengths) for bar in range(len(counts))]
    assert counts.tolist() == expected
    assert sum(expected) == len(lengths)
    assert len(counts) <= 40
    drawn = bars(counts)
    assert [bar == " " for bar in drawn] == [count == 0 for count in expected]
    assert drawn[counts.argmax()] == "█"


def test_percentiles_are_lengths_that_occur() -> None:
    """A percentile is the shortest length that so many of the texts do not exceed."""
    rows = [[2] * length for length in (1, 1, 2, 3, 5, 8, 13, 21, 34, 55)]
    facts = lengths_section({"train": corpus(rows)}, max_length=99).facts["train"]
    assert facts["percentiles"] == {
        "1": 1, "5": 1, "25": 2, "50": 5, "75": 21, "95": 55, "99": 55, "100": 55
    }  # fmt: skip
    assert facts["tokens"] == 143


@pytest.mark.parametrize(("long", "mark"), [(0, PASSED), (4, PASSED), (5, WARNING)])
def test_truncation(long: int, mark: str) -> None:
    rows = [[2]] * (100 - long) + [[2] * 6] * long
    section = lengths_section({"train": corpus(rows, 6), "dev": corpus([[2]], 6)}, max_length=6)
    (finding,) = section.findings
    assert finding.mark == mark
    shown = f"{long}.0%" if long else "0%"
    assert finding.message == f"truncated to 6 tokens: {shown} of train, 0% of dev"


@pytest.mark.parametrize(
    ("lengths", "padding", "mark"), [([4, 4, 4, 4], 0.0, PASSED), ([4, 1, 1, 2], 0.5, WARNING)]
)
def test_padding(lengths: list[int], padding: float, mark: str) -> None:
    section = batches_section(np.array(lengths, np.int32), PLAN(np.array(lengths, np.int32)))
    assert section.facts == {"batches": 1, "rows_per_batch": 4.0, "padding": padding}
    assert [finding.mark for finding in section.findings] == [mark]


def test_the_cost_is_a_sum() -> None:
    facts = cost_section(
        tokens=10**6, rows=10**5, batches=1000, weights=10**7, recurrent=10**5, speed=1e11
    ).facts
    assert facts["memory_bytes"] == BASE_BYTES + 16 * 10**7 + ROW_BYTES * 10**5
    assert facts["seconds_per_epoch"] == pytest.approx(6e11 / (SHARE * 1e11) + 1000 * BATCH_SECONDS)


def test_the_speed_is_that_of_a_computer() -> None:
    """Of one that can run the tests: a millionth of that would be counting wrong, a million times that too."""
    assert 1e8 < measured_speed() < 1e16


def table(rows: int, words: int) -> list[tuple[str, str]]:
    """Texts of one to so many words."""
    return [
        (("neg", "pos")[row % 2], " ".join(f"w{row * 7 % k}" for k in range(1, row % words + 2)))
        for row in range(rows)
    ]


def tokens(places: Splits, split: str) -> list[list[str]]:
    return [TOKENIZER(row.text) for row in places.rows(split) if isinstance(row, Example)]


def test_all_sections(tmp_path: Path) -> None:
    """What they say of tokens is what the tokenizer says of the texts."""
    places = splits(
        tmp_path, train=table(40, 8), dev=0.25, test=[("neg", "never seen"), ("pos", "w0 w1 unseen")]
    )
    found = checked(places, tmp_path)
    assert list(found) == ["files", "labels", "duplicates", "overlaps", "characters", *TOKEN_SECTIONS]
    facts = found["lengths"].facts
    for split in ("train", "dev", "test"):
        assert facts[split]["tokens"] == sum(map(len, tokens(places, split)))
        assert facts[split]["percentiles"]["100"] == max(map(len, tokens(places, split)))
    assert facts["train"]["truncated"] + facts["dev"]["truncated"] == 10  # those of 7 and 8 words
    assert found["vocabulary"].facts["splits"]["test"] == {
        "tokens": 5,
        "known_share": pytest.approx(0.4),
        "texts_mostly_unknown": 1,
    }
    assert found["batches"].facts["batches"] == 8  # of 30 rows, up to 4 each


@pytest.mark.parametrize(("cut", "looked_at"), [("test", True), ("dev", False), ("train", False)])
def test_damaged_files_are_left_alone(tmp_path: Path, cut: str, looked_at: bool) -> None:
    """Their rows count as far as they go, but nothing is encoded that `fit` could not read."""
    places = splits(tmp_path, train=table(400, 8), dev=table(400, 8), test=table(400, 8))
    whole = (tmp_path / f"{cut}.tsv").read_bytes()
    (tmp_path / f"{cut}.tsv.gz").write_bytes(gzip.compress(whole[:2000]) + gzip.compress(whole[2000:])[:100])
    found = checked(replace(places, **{cut: str(tmp_path / f"{cut}.tsv.gz")}), tmp_path)
    assert "damaged gzip data" in found["files"].facts[cut]["failure"]
    assert found["files"].facts[cut]["used"] > 10
    assert ("lengths" in found) == looked_at


@pytest.mark.parametrize(
    ("tables", "skip", "looked_at"),
    [
        ({"train": [*table(8, 3), ("pos", "")], "dev": 0.5}, False, True),
        ({"train": table(8, 3), "dev": [("neg", "x"), ("other", "y")]}, False, True),
        ({"train": table(8, 3), "dev": [("other", "y")]}, True, False),
        ({"train": [("neg", "x")] * 4, "dev": 0.5}, False, False),
        ({"train": [*table(8, 3), ("one", "x")], "dev": 0.5}, False, False),
        ({"train": [], "dev": 0.5}, False, False),
        ({"train": table(8, 3), "dev": []}, False, False),
        ({"train": table(8, 3), "dev": 0.5, "test": []}, False, True),
        ({"train": table(8, 3), "dev": 0.5, "test": [("other", "y")]}, True, True),
    ],
)
def test_tokens_are_looked_at_if_there_is_something_to_train_on(
    tmp_path: Path, tables: dict[str, Any], skip: bool, looked_at: bool
) -> None:
    """Whatever is wrong with some rows; and whatever stands in the way is an error of an earlier section."""
    found = checked(splits(tmp_path, **tables), tmp_path, skip=skip)
    assert [name in found for name in TOKEN_SECTIONS] == [looked_at] * 4
    assert ("tokens" in found) == (not looked_at)
    if not looked_at:
        assert "error" in {finding.mark for section in found.values() for finding in section.findings}


LONG = " 1" * 11 + "\n"  # than embedding_size


@pytest.mark.parametrize(
    ("content", "mark"),
    [("w0 1\nmore 2\n", PASSED), ("w0 1\nmore\n", ERROR), (f"w0{LONG}more{LONG}", ERROR), (None, ERROR)],
)
def test_word_vectors_stand_in_the_way_of_no_other_section(
    tmp_path: Path, content: str | None, mark: str
) -> None:
    path = tmp_path / "v.txt"
    if content is not None:
        path.write_text(content)
    more_words = partial(extra_words, path=path, tokenizer=TOKENIZER, limit=9)
    places = splits(tmp_path, train=table(8, 1))
    found = checked(places, tmp_path, more_words=more_words, vectors=path)
    assert [*found][5:] == ["lengths", "vocabulary", "vectors", "batches", "cost"]
    assert [finding.mark for finding in found["vectors"].findings] == [mark]
    assert found["vocabulary"].facts["size"] == (4 if mark == PASSED else 3)


def test_every_doubt_comes_with_advice(tmp_path: Path) -> None:
    train = [*table(8, 9), ("pos", ""), ("neg", "Ã© \ufffd a\x08 pаy"), ("neg", "\u200b"), ("pos", "w0")]
    found = checked(splits(tmp_path, train=train, dev=train[:3], test=[("x", "y")]), tmp_path)
    doubts = [each for section in found.values() for each in section.findings if each.mark != PASSED]
    assert len(doubts) > 10
    assert [each.message for each in doubts if not each.advice.endswith((".", "?"))] == []
