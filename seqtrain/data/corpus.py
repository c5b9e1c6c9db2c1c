"""From examples to corpora: tokenized once, counted on the training rows alone, every token an id.

While texts stream by, each token gets a provisional id, in order of first appearance; when all are read, the
vocabulary is counted and a lookup array turns provisional ids into final ones. So a text is tokenized once even
if the rows to train on are drawn later, and what is written does not depend on the provisional ids.
"""

from __future__ import annotations

import shutil
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data import storage
from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example
from seqtrain.data.splitting import stratified_share
from seqtrain.data.storage import Block, Corpus
from seqtrain.errors import DataError
from seqtrain.suggestion import did_you_mean
from seqtrain.text.tokenizer import Tokenizer, truncate
from seqtrain.text.vocabulary import SPECIAL, UNK, Vocabulary

__all__ = ["Corpora", "Corpus", "build_corpora", "encode_corpus", "stratified_share"]


class Corpora(NamedTuple):
    """What a fit learns from. Labels are sorted by code point; a label id is an index into them."""

    train: Corpus
    dev: Corpus
    vocabulary: Vocabulary
    labels: list[str]


def build_corpora(
    train: Iterable[Example | BadRow],
    dev: Iterable[Example | BadRow] | float,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    min_count: int,
    max_size: int,
    split_seed: int,
) -> Corpora:
    """Encode the rows to train on and those for dev: other rows, or a stratified share of the former.

    The vocabulary, and with it every id, is that of the rows left to train on. The corpora are written to
    `train` and `dev` in the folder; meanwhile a draft takes as much space again.

    Raises one DataError for all rows of both that cannot be used, labels that only dev has among them; or if
    there are fewer than two labels, no row for dev, or a share of a label with a single row.
    """
    problems = Problems()
    draft = _Draft.write(problems.usable(train), folder / "draft", tokenizer)
    draft.require_labels(problems)
    labels = sorted(draft.labels)
    in_train = np.ones(len(draft.corpus), bool)
    if isinstance(dev, float):
        problems.raise_if_any()
        _, held_out = stratified_share(draft.corpus.labels, dev, split_seed, list(draft.labels))
        in_train[held_out] = False
        vocabulary = draft.vocabulary(in_train, min_count, max_size)
        dev_corpus = draft.finish(~in_train, vocabulary, folder / "dev")
    else:
        vocabulary = draft.vocabulary(in_train, min_count, max_size)
        dev_corpus = encode_corpus(dev, folder / "dev", tokenizer, vocabulary, labels, problems)
    train_corpus = draft.finish(in_train, vocabulary, folder / "train")
    shutil.rmtree(folder / "draft")
    return Corpora(train_corpus, dev_corpus, vocabulary, labels)


def encode_corpus(
    examples: Iterable[Example | BadRow],
    folder: Path,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    problems: Problems | None = None,
) -> Corpus:
    """Encode rows into a folder with a vocabulary and labels that are there already.

    Raises one DataError for all rows that cannot be used, those with another label among them, together with
    the problems found earlier, in other files; or if there is no row.
    """
    problems = Problems() if problems is None else problems
    known = rows_of_known_label(problems.usable(examples), labels, problems)
    label_ids = {label: index for index, label in enumerate(labels)}
    corpus = _write_encoded(known, folder, tokenizer, vocabulary.encode, label_ids)
    problems.raise_if_any()
    if not len(corpus):
        raise DataError("there are no rows to evaluate on")
    return corpus


def rows_of_known_label(
    examples: Iterable[Example], labels: Sequence[str], problems: Problems
) -> Iterator[Example]:
    """The examples whose label is one of these; the others become problems."""
    known = frozenset(labels)
    for example in examples:
        if example.label in known:
            yield example
        else:
            message = _unknown_label(str(example.label), tuple(labels))
            problems.add(BadRow(example.file, example.line, "unknown label", message))


@lru_cache(maxsize=1000)  # a close label takes time to find, and many rows may share one mistake
def _unknown_label(label: str, labels: tuple[str, ...]) -> str:
    shown = label if len(label) <= 60 else label[:59] + "…"
    return f"label {shown!r} is not among {listed(labels)}.{did_you_mean(shown, labels)}"


class _Numbering(dict[str, int]):
    """Numbers strings from 0, in order of first appearance."""

    def __missing__(self, key: str) -> int:
        self[key] = number = len(self)
        return number


@dataclass(frozen=True, slots=True)
class _Draft:
    """All rows of the training files, with provisional ids for tokens and labels."""

    corpus: Corpus
    words: _Numbering
    labels: _Numbering

    @classmethod
    def write(cls, examples: Iterable[Example], folder: Path, tokenizer: Tokenizer) -> _Draft:
        words, labels = _Numbering(), _Numbering()

        def encode(tokens: Sequence[str]) -> list[int]:
            return list(map(words.__getitem__, tokens or SPECIAL[UNK:]))

        return cls(_write_encoded(examples, folder, tokenizer, encode, labels), words, labels)

    def require_labels(self, problems: Problems) -> None:
        """DataError unless there are labels to tell apart; that of the problems first, they may be why."""
        if len(self.labels) >= 2:
            return
        problems.raise_if_any()
        if not self.labels:
            raise DataError("there are no rows to train on")
        raise DataError(
            f"{listed(self.corpus.file_names)}: every row has the label {next(iter(self.labels))!r}",
            hint="A classifier needs at least two labels. Is data.columns.label the right column?",
        )

    def vocabulary(self, in_train: NDArray[np.bool_], min_count: int, max_size: int) -> Vocabulary:
        """The vocabulary of the rows where `in_train` is True."""
        counts = np.zeros(len(self.words), np.int64)
        for block in storage.blocks(self.corpus, in_train):
            counts += np.bincount(block.token_ids, minlength=len(counts))
        seen = ((word, count) for word, count in zip(self.words, counts.tolist(), strict=True) if count)
        return Vocabulary.from_counts(seen, min_count, max_size)

    def finish(self, keep: NDArray[np.bool_], vocabulary: Vocabulary, folder: Path) -> Corpus:
        """Write the rows where `keep` is True, with their final ids."""
        label_ids = {label: index for index, label in enumerate(sorted(self.labels))}
        final_tokens = np.array(vocabulary.encode(list(self.words)), np.int32)
        final_labels = np.array([label_ids[label] for label in self.labels], np.int32)
        final = (
            block._replace(token_ids=final_tokens[block.token_ids], labels=final_labels[block.labels])
            for block in storage.blocks(self.corpus, keep)
        )
        return storage.write(final, folder, self.corpus.file_names)


def _write_encoded(
    examples: Iterable[Example],
    folder: Path,
    tokenizer: Tokenizer,
    encode: Callable[[list[str]], list[int]],
    label_ids: Mapping[str, int],
) -> Corpus:
    file_ids = _Numbering()
    return storage.write(_encoded(examples, tokenizer, encode, label_ids, file_ids), folder, file_ids)


def _encoded(
    examples: Iterable[Example],
    tokenizer: Tokenizer,
    encode: Callable[[list[str]], list[int]],
    label_ids: Mapping[str, int],
    file_ids: Mapping[str, int],
) -> Iterator[Block]:
    """Tokenize and encode one text after the other, and let go of it."""
    untruncated = replace(tokenizer, max_length=sys.maxsize)  # truncated below, to know which texts are
    token_ids, rows = array("i"), []
    for example in examples:
        assert example.label is not None, "the reader of labelled data refuses a row without a label"
        tokens = untruncated(example.text)
        ids = encode(truncate(tokens, tokenizer.max_length, tokenizer.truncate))
        label_id, file_id = label_ids[example.label], file_ids[example.file]
        truncated = len(tokens) > tokenizer.max_length
        token_ids.extend(ids)
        rows.append((len(ids), label_id, example.weight, truncated, file_id, example.line))
        if len(token_ids) >= storage.BLOCK_TOKENS:
            yield Block(np.array(token_ids), *map(np.array, zip(*rows, strict=True)))
            token_ids, rows = array("i"), []
    if rows:
        yield Block(np.array(token_ids), *map(np.array, zip(*rows, strict=True)))
