"""A user's folder: a config, and data so small that a model is trained on them in a second."""

from __future__ import annotations

import random
from pathlib import Path

CONFIG = """\
data: {train: train.tsv, dev: 0.25, test: test.tsv}
vocabulary: {min_count: 1}
model: {embedding_size: 16, units: 8, dropout: {words: 0.1, features: 0.1}}
training: {epochs: 2, max_batch: 16, learning_rate: 0.03, metric: log_loss}
baseline: false
"""
FILLERS = ["the", "a", "plot", "film", "scene", "camera", "it’s", "映画", ",", "…", "naïve", "3.5"]
PHRASES = {"pos": ["good", "great fun"], "neg": ["bad", "not funny"]}


def rows(count: int, seed: int) -> list[tuple[str, str]]:
    """(label, text) pairs, of both labels in turn; one in ten says nothing, so that nobody gets them all right."""
    dice = random.Random(seed)

    def pick(items: list[str]) -> str:
        return items[int(dice.random() * len(items))]

    def text(label: str) -> str:
        words = [pick(FILLERS) for _ in range(1 + int(dice.random() * 9))]
        if dice.random() < 0.9:
            words.insert(int(dice.random() * len(words)), pick(PHRASES[label]))
        return " ".join(words)

    return [(label, text(label)) for number in range(count) for label in [("neg", "pos")[number % 2]]]


TRAIN, TEST = rows(400, seed=1), rows(60, seed=2)


def table(rows: list[tuple[str, str]]) -> str:
    return "".join(f"{label}\t{text}\n" for label, text in rows)


def write_project(folder: Path) -> Path:
    """Fills a folder with configs/reviews.yaml and the data that it names."""
    (folder / "configs").mkdir()
    (folder / "configs" / "reviews.yaml").write_text(CONFIG)
    (folder / "train.tsv").write_text(table(TRAIN), "utf-8")
    (folder / "test.tsv").write_text(table(TEST), "utf-8")
    return folder
