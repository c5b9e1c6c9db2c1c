"""From examples to corpora: tokenized once, counted on the training rows alone, every token an id.

While texts stream by, in chunks, each process that encodes numbers the words by itself; a lookup array for each
turns its numbers into provisional ids. When all is read, the vocabulary is counted and one more lookup array turns
provisional ids into final ones. So a text is tokenized once even if the rows to train on are drawn later, and what
is written depends neither on the provisional ids, of which a word may have several, nor on the processes.
"""

from __future__ import annotations

import shutil
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data import storage
from seqtrain.data.corpora import DEV, TRAIN, Corpora
from seqtrain.data.encoding import Numbering, Texts
from seqtrain.data.lexicon import Lexicon
from seqtrain.data.problems import Problems, listed
from seqtrain.data.reader import BadRow, Example
from seqtrain.data.splitting import stratified_share
from seqtrain.data.storage import Block, Corpus
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from seqtrain.data.workers import Numbered

__all__ = ["Corpora", "Corpus", "build_corpora", "encode_corpus", "stratified_share"]

CHUNK_CHARACTERS = 1 << 18
"""About so much text is in memory at a time, for each process a few times."""

MOST_LABELS = 10_000
"""A file with more has something else where its labels should be: texts, or numbers of rows."""

MoreWords = Callable[[Vocabulary], Sequence[str]]
"""Words to know besides those of a vocabulary, each once."""

_ROW_CHARACTERS = 64  # that a row counts for besides its text


def build_corpora(
    train: Iterable[Example | BadRow],
    dev: Iterable[Example | BadRow] | float,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    min_count: int,
    max_size: int,
    split_seed: int,
    more_words: MoreWords | None = None,
    processes: int = 1,
    problems: Problems | None = None,
) -> Corpora:
    """Encode the rows to train on and those for dev: other rows, or a stratified share of the former.

    The vocabulary, and with it every id, is that of the rows left to train on, with `more_words` behind the words that
    are frequent enough there. All is written to the folder, from which `Corpora.open` gets it again; meanwhile a draft
    takes as much space again. With `processes` above 1, so many more take part where there is much to encode. Memory
    does not grow with texts or words; a row takes some bytes.

    Raises one DataError for all rows of both that cannot be used, labels that only dev has among them, unless
    `problems` skips them; or if there are fewer than two labels, too many, no row for dev, or a share of a label with
    a single row.
    """
    problems = Problems() if problems is None else problems
    draft = _Draft.write(problems.usable(train), folder / "draft", tokenizer, processes)
    draft.require_labels(problems)
    labels = sorted(draft.labels)
    in_train = np.ones(len(draft.corpus), bool)
    if isinstance(dev, float):
        problems.raise_if_any()
        _, held_out = stratified_share(draft.corpus.labels, dev, split_seed, list(draft.labels))
        in_train[held_out] = False
        vocabulary = draft.vocabulary(in_train, min_count, max_size, more_words)
        dev_corpus = draft.finish(~in_train, vocabulary, folder / DEV)
    else:
        vocabulary = draft.vocabulary(in_train, min_count, max_size, more_words)
        dev_corpus = encode_corpus(
            dev, folder / DEV, tokenizer, vocabulary, labels, problems, processes=processes
        )
    train_corpus = draft.finish(in_train, vocabulary, folder / TRAIN)
    shutil.rmtree(folder / "draft")
    corpora = Corpora(train_corpus, dev_corpus, vocabulary, labels)
    corpora.save(folder)
    return corpora


def encode_corpus(
    examples: Iterable[Example | BadRow],
    folder: Path,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    problems: Problems | None = None,
    *,
    processes: int = 1,
) -> Corpus:
    """Encode rows into a folder with a vocabulary and labels that are there already.

    Raises one DataError for all rows that cannot be used, those with another label among them, together with
    the problems found earlier, in other files, unless they are skipped; or if there is no row.
    """
    problems = Problems() if problems is None else problems
    known = problems.usable(examples, labels)
    label_ids = {label: index for index, label in enumerate(labels)}
    corpus = _write_encoded(known, folder, tokenizer, vocabulary.encode, label_ids, processes)
    problems.raise_if_any()
    if not len(corpus):
        raise DataError("there are no rows to evaluate on")
    return corpus


@dataclass(frozen=True, slots=True)
class _Draft:
    """All rows of the training files, with provisional ids for tokens and labels."""

    corpus: Corpus
    words: Lexicon
    labels: Numbering

    @classmethod
    def write(cls, examples: Iterable[Example], folder: Path, tokenizer: Tokenizer, processes: int) -> _Draft:
        folder.mkdir(parents=True, exist_ok=True)
        words, labels = Lexicon(folder), Numbering()
        return cls(_write_encoded(examples, folder, tokenizer, words.ids, labels, processes), words, labels)

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

    def vocabulary(
        self, in_train: NDArray[np.bool_], min_count: int, max_size: int, more_words: MoreWords | None
    ) -> Vocabulary:
        """The vocabulary of the rows where `in_train` is True."""
        counts = self.words.counts(block.token_ids for block in storage.blocks(self.corpus, in_train))
        vocabulary = self.words.vocabulary(counts, min_count, max_size)
        more = more_words(vocabulary) if more_words else []
        return self.words.extended(vocabulary, more, counts) if more else vocabulary

    def finish(self, keep: NDArray[np.bool_], vocabulary: Vocabulary, folder: Path) -> Corpus:
        """Write the rows where `keep` is True, with their final ids."""
        label_ids = {label: index for index, label in enumerate(sorted(self.labels))}
        final_tokens = self.words.final_ids(vocabulary)
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
    processes: int,
) -> Corpus:
    """Encode rows; `encode` gives the ids of words."""
    from seqtrain.data.workers import Workers  # here, because a prediction needs none of its imports

    file_ids = Numbering()
    chunks = _chunks(examples, label_ids, file_ids)
    with Workers(tokenizer, processes) as workers:
        return storage.write(_blocks(workers.encode(chunks), encode), folder, file_ids)


class _Rows(NamedTuple):
    """What is known of a chunk's rows without their tokens: columns of a Corpus."""

    labels: NDArray[np.int32]
    weights: NDArray[np.float32]
    files: NDArray[np.int32]
    lines: NDArray[np.int64]


def _chunks(
    examples: Iterable[Example], label_ids: Mapping[str, int], file_ids: Mapping[str, int]
) -> Iterator[tuple[Texts, _Rows]]:
    """The texts of about CHUNK_CHARACTERS at a time, and their rows."""
    rows: list[Example] = []
    characters = 0
    for example in examples:
        rows.append(example)
        characters += len(example.text) + _ROW_CHARACTERS
        if characters >= CHUNK_CHARACTERS:
            yield _chunk(rows, label_ids, file_ids)
            rows, characters = [], 0
    if rows:
        yield _chunk(rows, label_ids, file_ids)


def _chunk(
    examples: Sequence[Example], label_ids: Mapping[str, int], file_ids: Mapping[str, int]
) -> tuple[Texts, _Rows]:
    names = [example.label for example in examples]
    assert None not in names, "the reader of labelled data refuses a row without a label"
    labels = np.array([label_ids[str(name)] for name in names], np.int32)
    if len(label_ids) > MOST_LABELS:
        raise _too_many_labels(examples[int(np.argmax(labels >= MOST_LABELS))])
    weights = np.array([example.weight for example in examples], np.float32)
    files = np.array([file_ids[example.file] for example in examples], np.int32)
    lines = np.array([example.line for example in examples], np.int64)
    return Texts.of(example.text for example in examples), _Rows(labels, weights, files, lines)


def _too_many_labels(example: Example) -> DataError:
    return DataError(
        f"{example.file}:{example.line}: here is one label more than {MOST_LABELS:,}, too many to tell apart",
        hint="data.columns.label is probably the wrong column.",
    )


def _blocks(
    encoded: Iterable[tuple[_Rows, Numbered]], encode: Callable[[list[str]], list[int]]
) -> Iterator[Block]:
    """The chunks, with the ids of words in place of the numbers that each process gave them by itself."""
    ids: defaultdict[int, array[int]] = defaultdict(lambda: array("i"))
    for rows, (by, texts) in encoded:
        known = ids[by]
        del known[texts.first :]
        if texts.words:  # `encode` makes an <unk> of none
            known.extend(encode(texts.words))
        yield Block(
            token_ids=np.frombuffer(known, np.int32).take(texts.numbers),
            lengths=texts.lengths,
            truncated=texts.truncated,
            **rows._asdict(),
        )
