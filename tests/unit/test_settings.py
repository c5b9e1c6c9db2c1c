"""A config in the words of its parts."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from seqtrain import settings
from seqtrain.config import config_from
from seqtrain.data.batching import Batch
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


def test_a_rare_word_is_left_out_as_often_as_its_count_says() -> None:
    """With so large a `rare`, in all but a few steps: the loss is that of a text without the word."""

    def loss(word: int, *overrides: str) -> float:
        keys = ["embedding_size=4", "units=3", "dropout.words=0", "dropout.features=0"]
        config = config_from({"data": DATA}, [*(f"model.{key}" for key in keys), *overrides])
        trainer = settings.trainer(config, settings.architecture(config, 5, 2), [0, 0, 10**9, 1, 1])
        ids = np.array([[word, word]], np.int32)
        ones = np.ones(1, np.int32)
        batch = Batch(ids, 2 * ones, 0 * ones, ones.astype(np.float32), np.arange(1))
        return trainer.train_on(batch, 1, 0.0)[0].loss

    often, once, other = 2, 3, 4
    assert loss(once) != loss(other)
    assert loss(once, "model.dropout.rare=1000") == loss(other, "model.dropout.rare=1000") != loss(once)
    assert loss(often, "model.dropout.rare=1000") == loss(often)
