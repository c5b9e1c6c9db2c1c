"""The tiny corpus is what its generator writes, and it can be learnt, but not from single words."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from seqtrain.data.reader import Example, read
from seqtrain.text.tokenizer import Tokenizer
from tests.unit.data.scripts import DATA, load_script

FOLDER = DATA / "tiny"
SIZES = {"train": 600, "dev": 120, "test": 120}
tokenize = Tokenizer(kind="word", lowercase=True, max_length=400, truncate="middle")


def rows(split: str) -> list[Example]:
    found = list(read(FOLDER / f"{split}.tsv", columns=None, labelled=True, max_line_bytes=10_000))
    assert all(isinstance(row, Example) for row in found)
    return found


def test_the_files_are_what_the_generator_writes() -> None:
    files = load_script("tiny/generate.py").corpus()
    assert sorted(files) == sorted(path.name for path in FOLDER.glob("*.tsv"))
    for name, content in files.items():
        assert (FOLDER / name).read_bytes() == content.encode()


@pytest.mark.parametrize("split", SIZES)
def test_the_classes_are_balanced(split: str) -> None:
    half = SIZES[split] // 2
    assert Counter(row.label for row in rows(split)) == {"neg": half, "pos": half}


def test_no_text_is_there_twice() -> None:
    texts = [" ".join(row.text.casefold().split()) for split in SIZES for row in rows(split)]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("split", SIZES)
def test_short_and_long_texts_and_signs_of_many_kinds(split: str) -> None:
    texts = [row.text for row in rows(split)]
    lengths = [len(tokenize(text)) for text in texts]
    assert sum(length <= 2 for length in lengths) >= len(texts) // 20
    assert sum(length >= 100 for length in lengths) >= len(texts) // 20
    everything = "".join(texts)
    assert [sign for sign in "éМ好🎬’\u0085\u2028\u00a0\u3000\u094d" if sign not in everything] == []


def test_no_single_word_tells_the_label() -> None:
    labels_by_word: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for row in rows("train"):
        for word in set(tokenize(row.text)):
            labels_by_word[word][row.label] += 1
    frequent = {word: labels for word, labels in labels_by_word.items() if labels.total() >= 20}
    assert len(frequent) > 50
    assert max(max(labels.values()) / labels.total() for labels in frequent.values()) <= 0.75


def test_pairs_of_words_tell_what_single_words_do_not() -> None:
    """The accuracy on the training rows themselves of a linear model of all single words, and of all pairs."""
    texts, labels = zip(*[(row.text, row.label) for row in rows("train")], strict=True)

    def accuracy(longest: int) -> float:
        counts = CountVectorizer(
            tokenizer=tokenize, token_pattern=None, ngram_range=(1, longest), lowercase=False
        )
        model = make_pipeline(counts, LogisticRegression(max_iter=2000)).fit(texts, labels)
        return float(model.score(texts, labels))

    assert accuracy(1) <= 0.75
    assert accuracy(2) >= 0.95
