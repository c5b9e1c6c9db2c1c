"""Generated batches are like those of real texts, and the same for everyone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from workloads import TEXTS, WORKLOADS, averages, batches, generate, text_lengths, widened

from seqtrain.model.classifier import Architecture

# Measured with seqtrain's tokenizer, vocabulary and plan, all defaults but for batches of 50 sentences.
REAL = {
    "long": {"rows": 32.6, "steps": 284, "tokens": 7717, "distinct": 1879},  # IMDB, train
    "short": {"rows": 49.4, "steps": 22.3, "tokens": 1084, "distinct": 497},  # MR
}
LIKE_REAL = 0.05  # batches of a round are a sample; what they are like must be right, not their last digit
EVERY = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)


@pytest.mark.parametrize("name", REAL)
def test_batches_are_like_those_of_real_texts(name):
    generated = averages(batches(WORKLOADS[name]))
    assert {key: generated[key] for key in REAL[name]} == pytest.approx(REAL[name], rel=LIKE_REAL)
    assert 0.01 < generated["padding"] < 0.03


@EVERY
def test_every_contender_gets_the_same_batches(workload):
    for one, other in zip(batches(workload), batches(workload), strict=True):
        assert np.array_equal(one.token_ids, other.token_ids)
        assert np.array_equal(one.labels, other.labels)


@EVERY
def test_a_round_has_as_many_batches_as_the_workload_says_each_row_once(workload):
    data = batches(workload)
    rows = np.concatenate([batch.rows for batch in data])
    assert len(data) == workload.batches
    assert len(np.unique(rows)) == len(rows)


@EVERY
def test_ids_are_words_of_the_vocabulary_and_padding_is_where_no_text_is(workload):
    for batch in batches(workload):
        real = np.arange(batch.token_ids.shape[1]) < batch.lengths[:, None]
        assert batch.token_ids[real].min() >= 2
        assert batch.token_ids.max() < workload.vocabulary_size
        assert not batch.token_ids[~real].any()


@EVERY
def test_padding_further_keeps_the_texts(workload):
    width = TEXTS[workload.texts].padded_to
    for batch in batches(workload):
        padded = widened(batch.token_ids, width)
        assert padded.shape == (len(batch.rows), width)
        assert np.array_equal(padded[:, : batch.token_ids.shape[1]], batch.token_ids)
        assert not padded[:, batch.token_ids.shape[1] :].any()


@EVERY
def test_arithmetic_counts_each_weight_of_the_products_six_times(workload):
    architecture = Architecture(
        1, 1, embedding_size=workload.embedding_size, cell=workload.cell, units=workload.units
    )
    weights = sum(
        np.prod(shape)
        for name, shape in architecture.weight_shapes().items()
        if name.startswith("layer_0.") and name.endswith("kernel")
    )
    assert workload.flops_per_token() == 6 * weights


def test_lengths_have_the_published_median_and_mean():
    words = replace(TEXTS["long"], longest=10_000)
    assert np.median(text_lengths(words)) / 1.22 == pytest.approx(174, rel=0.01)
    assert np.mean(text_lengths(words)) / 1.22 == pytest.approx(234, rel=0.01)


def test_there_is_something_to_learn():
    corpus = generate(TEXTS["short"], 1000)
    odd = np.add.reduceat(corpus.token_ids % 2, corpus.offsets[:-1]) / corpus.lengths
    assert odd[corpus.labels == 1].mean() - odd[corpus.labels == 0].mean() == pytest.approx(0.2, abs=0.02)
