"""The wide path of a run: what it sees of a row that it was fitted to, and what dev chooses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import vstack

from seqtrain.data.corpora import Corpora
from seqtrain.evaluation.calibration import fit_scales, mean_log_loss
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.vocabulary import Vocabulary
from seqtrain.wide import path as module
from seqtrain.wide.features import feature_matrix
from seqtrain.wide.nbsvm import candidates
from seqtrain.wide.path import INTERPOLATIONS, STRENGTHS, WidePath, fit_wide_path
from seqtrain.wide.prefixes import with_prefixes, word_prefixes
from tests.unit.wide.corpora import WORDS, corpus, random_corpora

NGRAMS = Ngrams(2, WORDS, 5000)


def fitted(corpora: Corpora, strength: float | None = None, **options: Any) -> WidePath:
    weights = corpora.train.weights, corpora.dev.weights
    return fit_wide_path(corpora, NGRAMS, weights, strength=strength, **options)


def accuracy(corpora: Corpora, logits: np.ndarray) -> float:
    """On dev."""
    return float((logits.argmax(axis=1) == corpora.dev.labels).mean())


def accuracies(seeds: int = 20) -> Iterator[float]:
    """On dev, where labels have nothing to do with the texts."""
    for seed in range(seeds):
        corpora = random_corpora(100, seed=seed, telling=False)
        yield accuracy(corpora, fitted(corpora, strength=1.0, refit=True).dev)


def logits_are_out_of_sample() -> None:
    """What the scales, and so the share of the network, are fitted to is at chance: neither above nor below it."""
    mean = np.mean([*accuracies()])
    assert abs(mean - 0.5) < 4 * 0.5 / np.sqrt(20 * 100)


def test_with_shuffled_labels_the_logits_that_are_scaled_are_at_chance() -> None:
    logits_are_out_of_sample()


def test_planted_fault_own_counts_in_the_logits_that_are_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dev rows among those that are counted, as training rows are."""
    real = fit_wide_path

    def leaking(corpora: Corpora, *given: Any, **options: Any) -> WidePath:
        return real(corpora._replace(train=corpora.dev), *given, **options)

    monkeypatch.setattr("tests.unit.wide.test_path.fit_wide_path", leaking)
    with pytest.raises(AssertionError):
        logits_are_out_of_sample()


def test_planted_fault_logits_of_after_the_refit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been fitted to dev knows its labels, shuffled or not."""
    real = fit_wide_path

    def leaking(*given: Any, **options: Any) -> WidePath:
        path = real(*given, **options)
        return replace(path, dev=path.dev_now)

    monkeypatch.setattr("tests.unit.wide.test_path.fit_wide_path", leaking)
    with pytest.raises(AssertionError):
        logits_are_out_of_sample()


def test_planted_fault_logits_that_are_turned_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below chance is no better: leave-one-out counts of a training row would be so."""
    monkeypatch.setattr("tests.unit.wide.test_path.accuracies", lambda: iter([0.4] * 20))
    with pytest.raises(AssertionError):
        logits_are_out_of_sample()


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_what_there_is(classes: int) -> None:
    corpora = random_corpora(400, classes)
    path = fitted(corpora)
    assert accuracy(corpora, path.dev) > 0.6
    assert path.dev.shape == (400, classes)


@pytest.mark.parametrize("seed", [1, 2])
def test_dev_chooses_strength_and_interpolation(seed: int) -> None:
    """All of them are tried here, in place of those up to the first that is no better."""
    corpora = random_corpora(seed=seed)
    train, dev = (feature_matrix(part, NGRAMS) for part in corpora[:2])
    labels, weights = corpora.dev.labels, corpora.dev.weights
    losses = {}
    for strength in STRENGTHS:
        for linear in candidates(train, corpora.train.labels, weights, 2, strength, INTERPOLATIONS):
            logits = linear.logits(dev)
            (scale,) = fit_scales([logits], labels, weights)
            loss = mean_log_loss(
                labels, WidePath(NGRAMS, linear, logits, scale, logits).dev_probabilities(), weights
            )
            losses[strength, linear.interpolation] = loss
    by_strength = [min(losses[strength, beta] for beta in INTERPOLATIONS) for strength in STRENGTHS]
    rises = next(
        (i for i in range(1, len(STRENGTHS)) if by_strength[i] >= by_strength[i - 1]), len(STRENGTHS)
    )
    best = min((key for key in losses if key[0] in STRENGTHS[:rises]), key=lambda key: losses[key])
    path = fitted(corpora)
    assert (path.linear.strength, path.linear.interpolation) == best


def test_a_strength_that_is_given_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []
    real = module.candidates

    def watched(*given: object) -> object:
        tried.append(given[4])  # type: ignore[arg-type]
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "candidates", watched)
    assert fitted(random_corpora(), strength=0.42).linear.strength == 0.42
    assert tried == [0.42]


def unseen_words() -> Corpora:
    """Of each label a dozen words that begin alike; dev has those that train has not."""
    words = [f"{stem}{ending}" for stem in ("good", "poor") for ending in "abcdefghijkl"]
    tokens = ["<pad>", "<unk>", *words, *(f"w{number}" for number in range(WORDS - 2 - len(words)))]
    places = np.arange(len(words)).reshape(2, 2, 6) + 2  # label, split, ending
    dice = np.random.default_rng(0)
    labels = [0, 1] * 30
    splits = [
        corpus([[dice.choice(places[label, split]), dice.integers(26, WORDS)] for label in labels], labels)
        for split in (0, 1)
    ]
    return Corpora(splits[0], splits[1], Vocabulary(tokens, [0] * WORDS), ["good", "poor"])


def test_words_of_no_training_row_say_what_those_that_begin_alike_do() -> None:
    corpora = unseen_words()
    assert accuracy(corpora, fitted(corpora, prefixes=4).dev) == 1.0
    assert accuracy(corpora, fitted(corpora).dev) < 0.7


def test_fitted_again_it_is_the_one_that_was_chosen_on_more_rows() -> None:
    corpora = random_corpora(150)
    weights = corpora.train.weights, np.full(150, 3, np.float32)
    once, again = (
        fit_wide_path(corpora, NGRAMS, weights, prefixes=3, refit=refit) for refit in (False, True)
    )
    assert once.dev_now is once.dev
    np.testing.assert_array_equal(again.dev, once.dev)
    assert again.scale == once.scale
    rows = vstack([feature_matrix(part, NGRAMS) for part in corpora[:2]])
    (expected,) = candidates(
        with_prefixes(rows, word_prefixes(corpora.vocabulary.tokens, 3)),
        np.concatenate([part.labels for part in corpora[:2]]),
        np.concatenate(weights),
        2,
        once.linear.strength,
        [once.linear.interpolation],
    )
    assert (again.linear.strength, again.linear.interpolation) == expected[2:]
    np.testing.assert_allclose(again.dev_now, again.linear.logits(feature_matrix(corpora.dev, NGRAMS)))
    np.testing.assert_allclose(again.linear.bias, expected.bias, atol=1e-5)
    assert accuracy(corpora, again.dev_now) > accuracy(corpora, again.dev) + 0.1


def test_new_texts_get_the_logits_of_their_features() -> None:
    """Those of dev, one by one; a text of nothing known has the bias alone."""
    corpora = random_corpora(50)
    path, dev = fitted(corpora), corpora.dev
    texts = [dev.token_ids[a:b].tolist() for a, b in zip(dev.offsets, dev.offsets[1:], strict=False)]
    np.testing.assert_allclose(path.logits(texts), path.dev, atol=1e-6)
    bias = path.linear.bias[0] / 2
    np.testing.assert_allclose(path.logits([[1], [1, 1]]), [[-bias, bias]] * 2, atol=1e-7)


def test_the_same_rows_give_the_same_bits() -> None:
    first, again = fitted(random_corpora()), fitted(random_corpora())
    for name, array in first.arrays(1.0).items():
        np.testing.assert_array_equal(array, again.arrays(1.0)[name])
