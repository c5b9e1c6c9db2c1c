"""The linear baseline to compare with: TF-IDF of words and word pairs, and logistic regression.

    python benchmarks/baseline.py data/reviews/train.tsv data/reviews/test.tsv --dev data/reviews/dev.tsv

Reads what `seqtrain fit` reads and cuts texts into the same words; unlike the baseline of `fit` it has all of them,
however rare and far behind. Dev has the same part as there: it chooses, here the strength of the regularization.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from measure import save, table

from seqtrain.baseline.tfidf import classifiers, features
from seqtrain.data.corpus import Corpora, build_corpora, encode_corpus
from seqtrain.data.splits import Splits
from seqtrain.data.storage import Corpus
from seqtrain.text.tokenizer import Tokenizer

MOST = 2**31 - 1
WORDS = Tokenizer("word", lowercase=True, max_length=MOST, truncate="head")


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
    found = measured(options.train, options.dev, options.test)
    print(table(("C", "dev accuracy"), [(str(c), f"{100 * score:.2f}") for c, score in found.dev.items()]))
    print(
        f"test accuracy {100 * found.test:.2f} with C = {found.c}: {found.rows}, {found.features:,} features, "
        f"{time.perf_counter() - start:.0f} s"
    )
    save(options.out, {"c": found.c, "dev_accuracy": found.dev, "test_accuracy": found.test})


class Measured(NamedTuple):
    """dev: the accuracy there for each C; test: that of the best one, c."""

    dev: dict[float, float]
    c: float
    test: float
    features: int
    rows: str


def measured(train: str, dev: str | float, test: str) -> Measured:
    """dev: a file, or a share of train."""
    splits = Splits(train, dev, test, None, split_seed=1, max_line_bytes=1 << 20)
    with tempfile.TemporaryDirectory() as folder:
        corpora, tested = encoded(splits, Path(folder))
        learnt, chosen = corpora.train, corpora.dev
        matrices = features(len(corpora.vocabulary), learnt, chosen, tested)
        models = {model.C: model for model in classifiers(matrices[0], learnt.labels, learnt.weights)}
        scores = {c: model.score(matrices[1], chosen.labels) for c, model in models.items()}
        best = max(scores, key=lambda c: scores[c])
        accuracy = models[best].score(matrices[2], tested.labels)
        rows = f"{len(learnt):,} train, {len(chosen):,} dev and {len(tested):,} test rows"
        return Measured(scores, best, accuracy, matrices[0].shape[1], rows)


def file_or_share(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def encoded(splits: Splits, folder: Path) -> tuple[Corpora, Corpus]:
    """Train and dev, and test in the same ids."""
    dev = splits.dev if isinstance(splits.dev, float) else splits.read("dev")
    limits = {"min_count": 1, "max_size": MOST, "split_seed": splits.split_seed}
    corpora = build_corpora(splits.read("train"), dev, folder, WORDS, **limits)
    test = encode_corpus(splits.read("test"), folder / "test", WORDS, corpora.vocabulary, corpora.labels)
    return corpora, test


if __name__ == "__main__":
    main()
