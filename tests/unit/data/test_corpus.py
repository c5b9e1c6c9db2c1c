"""Corpora against an encoding in memory, and every way in which data can be unfit for one."""

from __future__ import annotations

import gzip
import tracemalloc
from collections import Counter
from contextlib import contextmanager, nullcontext
from itertools import islice
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.data import corpus as corpus_module
from seqtrain.data import encoding, lexicon, storage, workers
from seqtrain.data.corpus import Corpora, build_corpora, encode_corpus, stratified_share
from seqtrain.data.problems import Problems
from seqtrain.data.reader import BadRow, Example, read
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import UNK, Vocabulary
from tests import strategies

TOKENIZER = Tokenizer("word", lowercase=True, max_length=4, truncate="middle")
SETTINGS = {"tokenizer": TOKENIZER, "min_count": 2, "max_size": 6, "split_seed": 1}


def examples(rows, file="train.tsv"):
    """Examples from (text, label) pairs, one a line."""
    return [Example(text, label, 1.0, file, line) for line, (text, label) in enumerate(rows, start=1)]


def build(folder, train, dev, **settings):
    return build_corpora(train, dev, folder, **{**SETTINGS, **settings})


def rows_of(corpus):
    """Each row as (token ids, label id, weight, truncated, place)."""
    return [
        (
            corpus.token_ids[start:stop].tolist(),
            int(corpus.labels[row]),
            float(corpus.weights[row]),
            bool(corpus.truncated[row]),
            corpus.location(row),
        )
        for row, (start, stop) in enumerate(zip(corpus.offsets, corpus.offsets[1:], strict=False))
    ]


def encoded_in_memory(examples, vocabulary, labels):
    return [
        (
            vocabulary.encode(TOKENIZER(example.text)),
            labels.index(example.label),
            example.weight,
            len(example.text.split()) > TOKENIZER.max_length,
            f"{example.file}:{example.line}",
        )
        for example in examples
    ]


def counted_in_memory(examples):
    counts = Counter(token for example in examples for token in TOKENIZER(example.text) or ["<unk>"])
    return Vocabulary.from_counts(counts, SETTINGS["min_count"], SETTINGS["max_size"])


some_examples = st.lists(
    st.builds(
        Example,
        text=st.lists(st.sampled_from(["a", "B", "b", "é", "ab", "x"]), max_size=7).map(" ".join),
        label=st.sampled_from(["pos", "neg", "Änder"]),
        weight=st.sampled_from([1.0, 0.5, 3.0]),
        file=st.sampled_from(["b.tsv", "a.tsv"]),
        line=st.integers(1, 10**10),
    ),
    max_size=30,
)
every_label = examples([("a b", label) for label in ("pos", "neg", "Änder")] * 2)


@contextmanager
def small(block=1 << 18, chunk=1 << 18, start=1 << 24, words=1 << 28):
    """So many tokens a block and characters a chunk; so many bytes until processes are started, and for words."""
    with (
        mock.patch.object(encoding, "MOST_BYTES", words),
        mock.patch.object(lexicon, "MOST_BYTES", words),
        mock.patch.object(storage, "BLOCK_TOKENS", block),
        mock.patch.object(corpus_module, "CHUNK_CHARACTERS", chunk),
        mock.patch.object(workers, "START_BYTES", start),
    ):
        yield


few_bytes = st.sampled_from([0, 300, 500, 1 << 28])  # none, two or three words


@settings(deadline=None)
@given(some_examples, some_examples, st.integers(1, 20), st.integers(1, 500), few_bytes)
def test_corpora_are_what_encoding_in_memory_gives(tmp_path_factory, train, dev, block, chunk, words):
    train, dev = every_label + train, dev + every_label
    with small(block, chunk, words=words):
        corpora = build(tmp_path_factory.mktemp("corpora"), train, dev)
    vocabulary = counted_in_memory(train)
    assert corpora.labels == ["neg", "pos", "Änder"]
    assert corpora.vocabulary == vocabulary
    assert rows_of(corpora.train) == encoded_in_memory(train, vocabulary, corpora.labels)
    assert rows_of(corpora.dev) == encoded_in_memory(dev, vocabulary, corpora.labels)


@settings(deadline=None)
@given(
    some_examples, st.floats(0.01, 0.99), strategies.seeds, st.integers(1, 20), st.integers(1, 500), few_bytes
)
def test_a_share_is_split_off_before_the_vocabulary_is_counted(
    tmp_path_factory, rows, share, seed, block, chunk, words
):
    rows = every_label + rows
    with small(block, chunk, words=words):
        corpora = build(tmp_path_factory.mktemp("corpora"), rows, share, split_seed=seed)
    label_ids = [corpora.labels.index(row.label) for row in rows]
    train, dev = ([rows[row] for row in side] for side in stratified_share(label_ids, share, seed))
    vocabulary = counted_in_memory(train)
    assert corpora.vocabulary == vocabulary
    assert rows_of(corpora.train) == encoded_in_memory(train, vocabulary, corpora.labels)
    assert rows_of(corpora.dev) == encoded_in_memory(dev, vocabulary, corpora.labels)


@pytest.mark.parametrize("dev", [0.5, every_label])
def test_further_words_have_ids_behind_the_frequent_ones(tmp_path, dev):
    """Dev's words do not count, and the corpora are those of the longer vocabulary."""
    rows = every_label + examples([("rare a", "pos"), ("x a", "neg"), ("x b", "neg")])
    asked = []

    def more_words(vocabulary):
        asked.append(vocabulary)
        return ["rare", "unheard"]

    plain = build(tmp_path / "plain", rows, dev)
    corpora = build(tmp_path / "more", rows, dev, more_words=more_words)
    train = rows if dev is every_label else [rows[row] for row in in_train(rows)]
    rare = sum("rare" in row.text for row in train)
    assert asked == [plain.vocabulary]
    assert corpora.vocabulary.tokens == [*plain.vocabulary.tokens, "rare", "unheard"]
    assert corpora.vocabulary.counts[2:] == [*plain.vocabulary.counts[2:], rare, 0]
    assert corpora.vocabulary.counts[UNK] == plain.vocabulary.counts[UNK] - rare
    assert rows_of(corpora.train) == encoded_in_memory(train, corpora.vocabulary, corpora.labels)
    assert Corpora.open(tmp_path / "more").vocabulary == corpora.vocabulary


def in_train(rows):
    """The rows that `build` trains on where it draws half of them for dev."""
    labels = sorted({row.label for row in rows})
    return stratified_share([labels.index(row.label) for row in rows], 0.5, SETTINGS["split_seed"])[0]


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# They forget all words before each chunk.
FORGETFUL = mock.patch.object(
    workers,
    "_CODE",
    workers._CODE.replace(
        "main()", "import seqtrain.data.encoding as encoding; encoding.MOST_BYTES = 0; main()"
    ),
)


@settings(max_examples=5, deadline=None)  # each starts up to six processes
@given(some_examples, st.booleans(), st.integers(1, 1000), st.integers(2, 3), few_bytes)
def test_the_files_do_not_depend_on_processes_and_memory(
    tmp_path_factory, rows, drawn, chunk, processes, words
):
    rows = every_label + rows
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    dev = 0.5 if drawn else rows[::-1]
    one = build(alone, rows, dev)
    with small(chunk=chunk, start=0, words=words), FORGETFUL if words == 0 else nullcontext():
        several = build(together, rows, dev, processes=processes)
    assert several.vocabulary == one.vocabulary
    assert several.labels == one.labels
    assert files_of(together) == files_of(alone)


def test_a_corpus_that_several_processes_encoded_is_what_encoding_in_memory_gives(tmp_path):
    texts = [f"Text {number % 97} is “text” number {number * 7919 % 1009}" for number in range(3000)]
    rows = examples([(text, "np"[number % 2]) for number, text in enumerate(texts)])
    with small(chunk=5000, start=5000):
        corpora = build(tmp_path, rows, rows[:100], processes=2, max_size=900)
    vocabulary = Vocabulary.from_counts(Counter(token for text in texts for token in TOKENIZER(text)), 2, 900)
    assert corpora.vocabulary == vocabulary
    assert rows_of(corpora.train) == encoded_in_memory(rows, vocabulary, ["n", "p"])
    assert rows_of(corpora.dev) == encoded_in_memory(rows[:100], vocabulary, ["n", "p"])


def test_a_small_file_starts_no_process(tmp_path):
    with mock.patch.object(workers.subprocess, "Popen", side_effect=AssertionError("started")):
        build(tmp_path, every_label, every_label, processes=8)


def test_planted_fault_dev_words_counted(tmp_path):
    """The law above would see it: with dev's words in, the vocabulary is another one."""
    rows = every_label + examples([("x x x x", "pos"), ("é é é é", "neg")] * 3)
    corpora = build(tmp_path, rows, 0.5)
    assert corpora.vocabulary != counted_in_memory(rows)


def test_special_names_in_a_text_are_unknown_words(tmp_path):
    whitespace = Tokenizer("whitespace", lowercase=False, max_length=9, truncate="head")
    rows = examples([("<pad> a <unk>", "pos"), ("a <pad>", "neg"), ("", "neg")])
    corpora = build(tmp_path, rows, rows, tokenizer=whitespace, min_count=1)
    known = corpora.vocabulary.encode(["a"])[0]
    assert [ids for ids, *_ in rows_of(corpora.train)] == [[UNK, known, UNK], [known, UNK], [UNK]]
    assert corpora.vocabulary.tokens == ["<pad>", "<unk>", "a"]
    assert corpora.vocabulary.counts == [0, 4, 2]


def test_only_the_corpora_stay_in_the_folder(tmp_path):
    build(tmp_path, every_label, 0.5)
    names = ["dev", "index.json", "labels.json", "train", "vocabulary.tsv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_rows_from_files(tmp_path):
    """From the reader on: two formats, one compressed."""
    tables = {
        "a.jsonl": '{"label": "pos", "text": "good"}\n{"label": "neg", "text": "bad"}\n',
        "b.tsv": "pos\tgood\n",
    }
    paths = [tmp_path / "a.jsonl", tmp_path / "b.tsv.gz"]
    paths[0].write_text(tables["a.jsonl"])
    paths[1].write_bytes(gzip.compress(tables["b.tsv"].encode()))
    rows = read([str(path) for path in paths], columns=None, labelled=True, max_line_bytes=1000)
    corpora = build(tmp_path / "corpora", rows, examples([("bad", "neg")]), min_count=1)
    assert rows_of(corpora.train) == [
        ([2], 1, 1.0, False, f"{paths[0]}:1"),
        ([3], 0, 1.0, False, f"{paths[0]}:2"),
        ([2], 1, 1.0, False, f"{paths[1]}:1"),
    ]


def test_memory_does_not_grow_with_the_texts(tmp_path):
    words = [f"word{number}" for number in range(500)]

    def stream(rows):
        for row in range(rows):
            yield Example(" ".join(words[row % 250 : row % 250 + 250]), "np"[row % 2], 1.0, "a.tsv", row + 1)

    tokenizer = Tokenizer("word", lowercase=True, max_length=400, truncate="middle")
    peaks = []
    with mock.patch.object(storage, "BLOCK_TOKENS", 10_000):
        for rows in (10, 400, 4000):  # the first fills caches
            tracemalloc.start()
            build(tmp_path / str(rows), stream(rows), 0.1, tokenizer=tokenizer, max_size=1000)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert (peaks[2] - peaks[1]) / 3600 < 60  # bytes a row; its text has 2,000 and its ids 1,000


# What makes data unfit.


def error_of(build_it):
    with pytest.raises(DataError) as caught:
        build_it()
    return str(caught.value)


def test_no_rows(tmp_path):
    assert error_of(lambda: build(tmp_path, [], 0.5)) == "there are no rows to train on"
    assert error_of(lambda: build(tmp_path, every_label, [])) == "there are no rows to evaluate on"


@pytest.mark.parametrize("dev", [0.5, every_label])
def test_one_label(tmp_path, dev):
    rows = examples([("a", "pos"), ("b", "pos")], "one.tsv") + examples([("a", "pos")], "two.tsv")
    assert error_of(lambda: build(tmp_path, rows, dev)) == (
        "one.tsv, two.tsv: every row has the label 'pos'\n"
        "  A classifier needs at least two labels. Is data.columns.label the right column?"
    )


def test_one_row_of_a_label(tmp_path):
    rows = every_label + examples([("a", "neutral")])
    assert "only one of 'neutral'" in error_of(lambda: build(tmp_path, rows, 0.5))


def test_labels_that_only_dev_has(tmp_path):
    dev = examples([("a", "pos"), ("a", "postive"), ("a", "7"), ("a", "neg"), ("a", "postive")], "dev.tsv")
    assert error_of(lambda: build(tmp_path, every_label, dev)) == (
        "3 of 11 rows cannot be used: 3 unknown label\n"
        "  dev.tsv:2: label 'postive' is not among neg, pos, Änder. Did you mean 'pos'?\n"
        "  dev.tsv:3: label '7' is not among neg, pos, Änder.\n"
        "  dev.tsv:5: label 'postive' is not among neg, pos, Änder. Did you mean 'pos'?\n"
        "  Correct these rows or take them out."
    )


def test_an_endless_label_is_cut_short(tmp_path):
    message = error_of(lambda: build(tmp_path, every_label, examples([("a", "x" * 10_000)])))
    assert len(message) < 200


BAD = BadRow("train.tsv", 7, "empty text", "the text is empty")


def test_bad_rows_of_train_and_dev_are_told_together(tmp_path):
    dev = [*examples([("a", "po")], "dev.tsv"), BadRow("dev.tsv", 2, "NUL", "a NUL")]
    lines = error_of(lambda: build(tmp_path, [*every_label, BAD], dev)).split("\n")
    assert lines[0] == "3 of 9 rows cannot be used: 1 empty text, 1 unknown label, 1 NUL"
    assert [line.split()[0] for line in lines[1:4]] == ["train.tsv:7:", "dev.tsv:1:", "dev.tsv:2:"]


def test_bad_rows_may_be_skipped(tmp_path):
    """Then the corpora are those of the other rows, and whoever asked for it has them all."""
    dev = examples([("a b", "po"), ("x", "pos")], "dev.tsv")
    rejected = []
    problems = Problems(rejected.append)
    corpora = build(tmp_path / "skipped", [BAD, *every_label], dev, problems=problems)
    others = build(tmp_path / "others", every_label, dev[1:])
    assert rows_of(corpora.train) == rows_of(others.train)
    assert rows_of(corpora.dev) == rows_of(others.dev)
    assert [(row.file, row.line) for row in rejected] == [("train.tsv", 7), ("dev.tsv", 1)]
    assert (problems.used, problems.rejected) == (7, 2)


@pytest.mark.parametrize("chunk", [1, 1 << 18])
def test_more_labels_than_anybody_has_are_a_wrong_column(tmp_path, chunk):
    """At once: what comes after is not read."""

    def rows():
        yield from examples([("a", f"label {number % 12}") for number in range(50)])
        raise AssertionError("read on")

    with small(chunk=chunk), mock.patch.object(corpus_module, "MOST_LABELS", 11):
        endless = rows() if chunk == 1 else islice(rows(), 50)
        assert error_of(lambda: build(tmp_path, endless, 0.5)) == (
            "train.tsv:12: here is one label more than 11, too many to tell apart\n"
            "  data.columns.label is probably the wrong column."
        )
    with mock.patch.object(corpus_module, "MOST_LABELS", 12):
        assert len(build(tmp_path, islice(rows(), 50), 0.5).labels) == 12


@pytest.mark.parametrize("good", [0, 1, 6])
def test_bad_rows_are_told_before_what_follows_from_them(tmp_path, good):
    """No rows, one label only or a share of nothing may all be because of the bad rows."""
    assert error_of(lambda: build(tmp_path, [*every_label[:good], BAD], 0.5)).startswith(
        f"1 of {good + 1} row"
    )


# A corpus for a model that is there.

VOCABULARY = Vocabulary.from_counts({"good": 3, "bad": 2}, min_count=1, max_size=10)


def encode(folder, rows, labels=("neg", "pos")):
    return encode_corpus(rows, folder, TOKENIZER, VOCABULARY, labels)


def test_a_model_encodes_with_its_own_vocabulary_and_labels(tmp_path):
    rows = examples([("Bad, unheard of!", "pos"), ("good", "pos"), ("", "neg")], "test.tsv")
    assert rows_of(encode(tmp_path, rows)) == [
        ([3, UNK, UNK, UNK], 1, 1.0, True, "test.tsv:1"),
        ([2], 1, 1.0, False, "test.tsv:2"),
        ([UNK], 0, 1.0, False, "test.tsv:3"),
    ]


def test_a_test_file_may_lack_labels(tmp_path):
    assert encode(tmp_path, examples([("good", "pos")])).labels.tolist() == [1]


def test_a_test_file_may_not_have_others(tmp_path):
    message = error_of(
        lambda: encode(tmp_path, [BAD, *examples([("good", "poz"), ("good", "pos")], "test.tsv")])
    )
    assert message.split("\n")[:3] == [
        "2 of 3 rows cannot be used: 1 empty text, 1 unknown label",
        "  train.tsv:7: the text is empty",
        "  test.tsv:1: label 'poz' is not among neg, pos. Did you mean 'pos'?",
    ]


def test_a_test_file_may_not_be_empty(tmp_path):
    assert error_of(lambda: encode(tmp_path, [])) == "there are no rows to evaluate on"


def test_many_bad_rows_take_no_memory(tmp_path):
    """Even if each of them has a mistake of its own."""
    rows = (Example("good", f"label {line}", 1.0, "test.tsv", line) for line in range(1, 20_001))
    tracemalloc.start()
    message = error_of(lambda: encode(tmp_path, rows))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message.startswith("20,000 of 20,000 rows cannot be used: 20,000 unknown label\n")
    assert peak < 2_000_000  # the rows themselves would take 6


def test_the_types_of_a_built_corpus(tmp_path):
    corpus = build(tmp_path, every_label, 0.5).train
    assert {name: getattr(corpus, name).dtype for name in storage.COLUMNS} == {
        name: np.dtype(dtype) for name, dtype in storage.COLUMNS.items()
    }
