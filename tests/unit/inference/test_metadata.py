"""What a model file says about labels, vocabulary and tokenizer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain import __version__
from seqtrain.errors import RunError
from seqtrain.inference.metadata import (
    DECISION_METRICS,
    KEY,
    RULE_KEY,
    Decision,
    model_card,
    model_metadata,
    parse_metadata,
)
from seqtrain.text.tokenizer import Tokenizer, word_rule
from seqtrain.text.vocabulary import SPECIAL, Vocabulary
from tests.onnx_models import CARD, LABELS, METADATA, TOKENIZER, VOCABULARY

entry = st.text(
    st.characters(exclude_categories=["Cs"], min_codepoint=32, exclude_characters="\x7f"), min_size=1
)
words = st.lists(entry, unique=True)


def damaged(**changes):
    """METADATA with some entries replaced, or left out where the change is None."""
    content = json.loads(METADATA[KEY])
    for name, value in changes.items():
        content[name] = value
        if value is None:
            del content[name]
    return json.dumps(content).encode()


DECISION = {"threshold": 0.25, "metric": "f1", "label": "pos"}


def decided_by(**changes):
    """Of two labels, with DECISION but for some of its entries, which are left out where the change is None."""
    entries = {**DECISION, **changes}
    decision = {name: value for name, value in entries.items() if value is not None or name == "label"}
    return damaged(labels=["neg", "pos"], decision=decision)


def test_the_format_is_the_documented_one():
    assert json.loads(METADATA[KEY]) == {
        "format": 5,
        "labels": LABELS,
        "vocabulary": VOCABULARY.tokens,
        "tokenizer": {
            "version": 1,
            "kind": "word",
            "lowercase": True,
            "max_length": 12,
            "truncate": "middle",
        },
        "decision": None,
        "card": {"seqtrain": __version__, "data_sha256": ["0" * 64], "metrics": {"dev": {"accuracy": 0.75}}},
    }
    assert METADATA[RULE_KEY].encode() == word_rule()


@settings(deadline=None)
@given(
    labels=st.lists(entry, min_size=2, unique=True),
    tokens=words.filter(lambda tokens: not set(tokens) & set(SPECIAL)),
    kind=st.sampled_from(["word", "whitespace", "char"]),
    lowercase=st.booleans(),
)
def test_what_is_written_is_read_back(labels, tokens, kind, lowercase):
    vocabulary = Vocabulary([*SPECIAL, *tokens], [0] * (2 + len(tokens)))
    tokenizer = Tokenizer(kind, lowercase, max_length=7, truncate="head")
    entries = model_metadata(labels, vocabulary, tokenizer, CARD)
    read = parse_metadata({key: value.encode() for key, value in entries.items()}, "model.onnx")
    assert read == (labels, vocabulary, tokenizer, CARD, None)


@given(
    st.floats(0, 1, exclude_min=True, exclude_max=True),
    st.sampled_from(
        [("f1", "neg"), ("f1", "pos"), *((name, None) for name in DECISION_METRICS if name != "f1")]
    ),
)
def test_a_decision_is_read_back_to_the_bit(threshold, chosen_for):
    decision = Decision(threshold, *chosen_for)
    entries = model_metadata(["neg", "pos"], VOCABULARY, TOKENIZER, CARD, decision)
    assert parse_metadata({key: value.encode() for key, value in entries.items()}, "m").decision == decision


def test_a_card_has_the_plain_numbers_of_the_metrics():
    metrics = {"dev": {"rows": 12, "accuracy": 2 / 3, "labels": {"pos": {"f1": 0.5}}, "confusion": [[1, 2]]}}
    card = model_card(["b", "a", "b"], metrics)
    assert card["data_sha256"] == ["a", "b"]
    assert card["metrics"] == {"dev": {"rows": 12, "accuracy": 0.666667}}


def test_a_model_without_metadata_is_none_of_ours():
    with pytest.raises(RunError, match=r"^model\.onnx: the model carries no labels and no vocabulary\n.*fit"):
        parse_metadata({}, "model.onnx")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (METADATA[KEY].encode()[:-1], "Expecting ',' delimiter"),
        (b"[1]", "not a JSON object"),
        (METADATA[KEY].encode().replace(b"{", b'{"labels": [],', 1), "an object has a key twice"),
        (damaged(format=3), "their format is 3, and this seqtrain knows 5"),
        (damaged(format=1), "their format is 1, and this seqtrain knows 5"),
        (damaged(format=None), "their format is None"),
        (damaged(labels=None), "labels is not a list of texts"),
        (damaged(labels="ab"), "labels is not a list of texts"),
        (damaged(labels=["a", 1]), "labels is not a list of texts"),
        (damaged(labels=["a"]), "labels has 1 entries, and needs at least 2"),
        (damaged(labels=["a", "a"]), "labels has an entry twice"),
        (damaged(vocabulary=["<pad>", "<unk>", "a", "a"]), "vocabulary has an entry twice"),
        (damaged(vocabulary=["<unk>", "<pad>", "a"]), "does not begin with <pad> and <unk>"),
        (damaged(vocabulary=[]), "vocabulary has 0 entries"),
        (damaged(labels=["a", "b\nc"]), "labels has an empty entry, or a control character"),
        (damaged(labels=["a", ""]), "labels has an empty entry"),
        (damaged(vocabulary=["<pad>", "<unk>", "\x1b[2J"]), "vocabulary has .* control character"),
        (damaged(tokenizer={"version": "x" * 1000}), "tokenizer is not an object of short values"),
        (damaged(card=[]), "card is not an object"),
        (damaged(decision=None), "decision is missing"),
        (damaged(decision=DECISION), "decision is for two labels, and there are 3"),
        (
            damaged(labels=["neg", "pos"], decision=[]),
            "decision is not an object of threshold, metric, label",
        ),
        (decided_by(metric=None), "decision is not an object of threshold, metric, label"),
        (decided_by(more=1), "decision is not an object of threshold, metric, label"),
        *(
            (decided_by(threshold=value), "decision.threshold is not a number between 0 and 1")
            for value in (0.0, 1.0, 1, -0.5, "0.5", True, [])
        ),
        (decided_by(metric="log_loss"), "decision.metric is not one of accuracy, f1, macro_f1, weighted_f1"),
        (decided_by(metric=["f1"]), "decision.metric is not one of"),
        (decided_by(label="neutral"), "decision.label is not one of the labels, or none where there"),
        (decided_by(label=None), "decision.label is not"),
        (decided_by(label=[]), "decision.label is not"),
        (decided_by(metric="accuracy"), "decision.label is not one of the labels, or none where there"),
        (damaged(tokenizer="word"), "tokenizer is not an object"),
        (damaged(tokenizer=None), "tokenizer is not an object"),
        (damaged(tokenizer={**TOKENIZER.rule(), "kind": "bytes"}), "tokenizer rule is damaged"),
        (damaged(tokenizer={**TOKENIZER.rule(), "version": 9}), "rule version 9"),
    ],
)
def test_damaged_metadata_are_refused_with_the_reason(content, reason):
    with pytest.raises(RunError, match=reason) as caught:
        parse_metadata({KEY: content, RULE_KEY: word_rule()}, "model.onnx")
    assert str(caught.value).startswith("model.onnx: ")
