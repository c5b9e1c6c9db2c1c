"""The linear baseline to compare with: TF-IDF of words and word pairs, and logistic regression.

    python benchmarks/baseline.py data/reviews/train.tsv data/reviews/test.tsv --dev data/reviews/dev.tsv

Reads what `seqtrain fit` reads and cuts texts into the same words. Dev has the same part as there: it chooses, here
the strength of the regularization.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from measure import save, table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from seqtrain.data.problems import Problems
from seqtrain.data.splits import SPLITS, Splits
from seqtrain.text.tokenizer import word

STRENGTHS = (1, 3, 10, 30, 100, 300)  # C: with more of it the model follows the training rows more closely


class Rows(NamedTuple):
    texts: Sequence[str]
    labels: Sequence[str | None]


def main() -> None:
    parser = argparse.ArgumentParser(description="TF-IDF of words and word pairs with logistic regression.")
    parser.add_argument("train", help="labelled file, such as .tsv or .tsv.gz")
    parser.add_argument("test", help="labelled file")
    parser.add_argument(
        "--dev", default=0.1, type=file_or_share, help="labelled file, or a share of train (0.1)"
    )
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    start = time.perf_counter()
    splits = Splits(options.train, options.dev, options.test, None, split_seed=1, max_line_bytes=1 << 20)
    train, dev, test = (rows(splits, split) for split in SPLITS)
    grams = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True)
    features = grams.fit_transform(train.texts)
    models = {c: LogisticRegression(C=c, max_iter=1000).fit(features, train.labels) for c in STRENGTHS}
    dev_features = grams.transform(dev.texts)
    scores = {c: model.score(dev_features, dev.labels) for c, model in models.items()}
    best = max(scores, key=lambda c: scores[c])
    accuracy = models[best].score(grams.transform(test.texts), test.labels)
    print(table(("C", "dev accuracy"), [(str(c), f"{100 * score:.2f}") for c, score in scores.items()]))
    print(
        f"test accuracy {100 * accuracy:.2f} with C = {best}: {len(train.texts):,} train, {len(dev.texts):,} dev and "
        f"{len(test.texts):,} test rows, {features.shape[1]:,} features, {time.perf_counter() - start:.0f} s"
    )
    save(options.out, {"c": best, "dev_accuracy": scores, "test_accuracy": accuracy})


def file_or_share(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def rows(splits: Splits, split: str) -> Rows:
    problems = Problems()
    examples = list(problems.usable(splits.rows(split)))
    problems.raise_if_any()
    return Rows([example.text for example in examples], [example.label for example in examples])


def words_and_pairs(text: str) -> list[str]:
    words = word(text, lowercase=True)
    return [*words, *map(" ".join, pairwise(words))]


if __name__ == "__main__":
    main()
