"""The section on word vectors: what it says is what `fit` would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqtrain.data.checks import ERROR, PASSED, WARNING, Section
from seqtrain.data.checks.vectors import vectors_section
from seqtrain.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(["<pad>", "<unk>", "film", "isn't", "zest", "more"], [0, 1, 12, 4, 3, 0])
VECTORS = "film 1\nis 2\nn't 3\nmore 4\n"


def section(path: Path) -> Section:
    return vectors_section(path, VOCABULARY, embedding_size=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "v.txt"
    path.write_text(VECTORS)
    return path


def test_the_words_of_the_training_rows_are_counted(path: Path) -> None:
    found = section(path)
    assert found.facts == {"words": 3, "found": 2, "by_parts": 1, "share": 0.8}
    assert found.lines == [
        f"{path}, 1 number a word",
        "2 of 3 words of train have one, 1 of them by their parts",
    ]
    assert [(each.mark, each.message) for each in found.findings] == [
        (WARNING, "80.0% of the training tokens have a vector")
    ]


@pytest.mark.parametrize(("zest", "mark"), [("zest", PASSED), ("zeal", WARNING)])
def test_most_tokens_should_have_one(path: Path, zest: str, mark: str) -> None:
    path.write_text(f"{VECTORS}{zest} 5\n")
    (finding,) = section(path).findings
    assert finding.mark == mark
    assert bool(finding.advice) == (mark == WARNING)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "model.vectors: {}: no such file"),
        ("film 1 2\n", "model.vectors: {} has 2 numbers a word, but model.embedding_size is 1"),
        ("film 1\nzest\n", "{}:2: has only 0 numbers where 1 is expected"),
        ("film 1\nzest x\n", "{}:2: 'x' is not a finite number"),
        ("cinéma 1\n", "{}: has none of the 4 words of the vocabulary"),
    ],
)
def test_what_fit_would_not_take_is_an_error(path: Path, content: str | None, message: str) -> None:
    path.unlink() if content is None else path.write_text(content)
    (finding,) = section(path).findings
    assert (finding.mark, finding.message) == (ERROR, message.format(path))
    assert finding.advice
