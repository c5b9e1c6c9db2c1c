"""A config in the words of its parts."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from seqtrain import settings
from seqtrain.config import config_from
from seqtrain.data.reader import Columns
from seqtrain.data.splits import Splits

DATA: dict[str, Any] = {
    "train": ["a.tsv", "b.csv"],
    "dev": 0.2,
    "columns": {"label": "stars", "text": ["title", "body"], "weight": "votes"},
    "split_seed": 7,
    "max_line_bytes": 99,
}


def test_the_data_section() -> None:
    columns = Columns("stars", ("title", "body"), "votes")
    config = config_from({"data": DATA})
    assert settings.data_splits(config) == Splits(["a.tsv", "b.csv"], 0.2, None, columns, 7, 99)
    plain = config_from({"data": {"train": "train.tsv", "dev": 0.25, "test": "test.tsv"}})
    assert settings.data_splits(plain) == Splits("train.tsv", 0.25, "test.tsv", None, 1, 1 << 20)


def test_encoded_data_depend_on_what_makes_them_and_on_nothing_else() -> None:
    def facts(*overrides: str) -> dict[str, Any]:
        return settings.encoding_facts(config_from({"data": DATA}, overrides))

    for other in ("test=x.tsv", "cache=false"):
        assert facts(f"data.{other}") == facts()
    for other in ("training.seed=2", "model.units=3"):
        assert facts(other) == facts()
    for other in ("data.split_seed=8", "data.dev=0.3", "data.bad_rows=skip", "tokenizer.kind=char"):
        assert facts(other) != facts()
    assert facts("vocabulary.min_count=3") != facts()


def test_encoded_data_depend_on_word_vectors_as_far_as_those_add_words() -> None:
    def facts(*overrides: str) -> dict[str, Any]:
        return settings.encoding_facts(config_from({"data": DATA}, overrides))

    vectors = "model.vectors=glove.txt"
    assert facts("vocabulary.from_vectors=7") == facts(vectors, "vocabulary.from_vectors=0") == facts()
    different = [
        facts(vectors),
        facts(vectors, "vocabulary.from_vectors=7"),
        facts("model.vectors=other.txt"),
        facts(),
    ]
    assert all(one != other for one, other in combinations(different, 2))
