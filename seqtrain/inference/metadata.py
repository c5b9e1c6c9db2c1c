"""What a model file says besides its graph: how a text becomes token ids, and which label a column belongs to.

`metadata_props` of model.onnx has two entries, both JSON. `word_rule` has the tables of the tokenizer's rule: the text
of word_rule.json. `seqtrain` has

    "format"      4: the meaning of the other entries and the form of the graph; another number is refused
    "labels"      a list of at least two strings; label i is column i of each output
    "vocabulary"  a list of strings, "<pad>" and "<unk>" first; token i has the id i
    "tokenizer"   the rule by which a text is cut into tokens, see `Tokenizer.rule`
    "decision"    null, or of two labels how one is chosen, see `Decision`
    "card"        where the model comes from and how good it is; see `model_card`

docs/formats.md tells the same to whoever reads a model in another language.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from seqtrain import __version__
from seqtrain.errors import RunError
from seqtrain.text.tokenizer import Tokenizer, word_rule
from seqtrain.text.vocabulary import SPECIAL, Vocabulary
from seqtrain.untrusted import parse_json

KEY, RULE_KEY = "seqtrain", "word_rule"
FORMAT = 5
MOST_BYTES = 1 << 24
"""Of the JSON, which in memory may take twenty times as much; a vocabulary of a million words has less."""
DECISION_METRICS = ("accuracy", "f1", "macro_f1", "weighted_f1")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HINT = "Is it the model.onnx that `seqtrain fit` wrote?"


class Decision(NamedTuple):
    """Of two labels the second is answered where its probability is at least the threshold, else the first.

    metric, of DECISION_METRICS: what the threshold was chosen to make best on dev; label: the one that "f1" is of, None
    for the others.
    """

    threshold: float
    metric: str
    label: str | None = None


class Metadata(NamedTuple):
    """What `parse_metadata` found; the counts of the vocabulary are not in a model file, they are 0."""

    labels: list[str]
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    card: dict[str, Any]
    decision: Decision | None


def model_card(data_sha256: Iterable[str], metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The release that wrote a model, the sha256 of its data files, and the plain numbers of its metrics by split."""
    return {
        "seqtrain": __version__,
        "data_sha256": sorted(set(data_sha256)),
        "metrics": {
            split: {name: round(value, 6) for name, value in values.items() if isinstance(value, int | float)}
            for split, values in metrics.items()
        },
    }


def model_metadata(
    labels: Sequence[str],
    vocabulary: Vocabulary,
    tokenizer: Tokenizer,
    card: Mapping[str, Any],
    decision: Decision | None = None,
) -> dict[str, str]:
    """The entries for `metadata_props`; `parse_metadata` reads them back. card: that of `model_card`.

    decision: for two labels; without one the most probable label is the answer.
    """
    content = {
        "format": FORMAT,
        "labels": list(labels),
        "vocabulary": vocabulary.tokens,
        "tokenizer": tokenizer.rule(),
        "decision": None if decision is None else decision._asdict(),
        "card": dict(card),
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return {KEY: text, RULE_KEY: word_rule().decode()}


def parse_metadata(entries: Mapping[str, bytes], origin: str) -> Metadata:
    """Reads the entries; RunError, naming the origin, for anything that `model_metadata` does not write."""
    if KEY not in entries:
        raise RunError(f"{origin}: the model carries no labels and no vocabulary", hint=HINT)
    value = parse_json(entries[KEY], f"{origin}: metadata")
    if problem := _problem(value):
        raise RunError(f"{origin}: the model's metadata are damaged: {problem}", hint=HINT)
    tokens = value["vocabulary"]
    try:
        tokenizer = Tokenizer.from_rule(value["tokenizer"])
    except RunError as error:
        raise RunError(f"{origin}: {error}") from error
    if entries.get(RULE_KEY) != word_rule():
        raise RunError(
            f"{origin}: the tables of the tokenizer's rule are not those of this release", hint=HINT
        )
    return Metadata(
        value["labels"],
        Vocabulary(tokens, counts=[0] * len(tokens)),
        tokenizer,
        value["card"],
        None if value["decision"] is None else Decision(**value["decision"]),
    )


def _problem(content: Any) -> str:
    """What is wrong with the metadata, or nothing."""
    if not isinstance(content, dict):
        return "they are not a JSON object"
    if content.get("format") != FORMAT:
        return f"their format is {reprlib.repr(content.get('format'))}, and this seqtrain knows {FORMAT}"
    for name, least in (("labels", 2), ("vocabulary", len(SPECIAL))):
        if problem := _list_problem(content.get(name), least):
            return f"{name} {problem}"
    if tuple(content["vocabulary"][: len(SPECIAL)]) != SPECIAL:
        return f"the vocabulary does not begin with {' and '.join(SPECIAL)}"
    if not isinstance(content.get("card"), dict):
        return "card is not an object"
    if not _is_plain(content.get("tokenizer")):
        return "tokenizer is not an object of short values"
    if "decision" not in content:
        return "decision is missing"
    return "" if content["decision"] is None else _decision_problem(content["decision"], content["labels"])


def _decision_problem(decision: Any, labels: Sequence[str]) -> str:
    """Both of the labels and of the decision, which need to fit."""
    if not isinstance(decision, dict) or decision.keys() != set(Decision._fields):
        return f"decision is not an object of {', '.join(Decision._fields)}"
    if len(labels) != 2:
        return f"decision is for two labels, and there are {len(labels):,}"
    threshold, metric, label = (decision[name] for name in Decision._fields)
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        return "decision.threshold is not a number between 0 and 1"
    if metric not in DECISION_METRICS:
        return f"decision.metric is not one of {', '.join(DECISION_METRICS)}"
    expected = labels if metric == "f1" else [None]
    return (
        "" if label in expected else "decision.label is not one of the labels, or none where there should be"
    )


def _list_problem(values: Any, least: int) -> str:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return "is not a list of texts"
    if len(values) < least:
        return f"has {len(values)} entries, and needs at least {least}"
    if len(set(values)) < len(values):
        return "has an entry twice"
    # It would break the lines of the output.
    return (
        "has an empty entry, or a control character in one"
        if "" in values or _CONTROL.search("".join(values))
        else ""
    )


def _is_plain(rule: Any) -> bool:
    """Whether it is an object whose keys and values can stand in a message."""
    return (
        isinstance(rule, dict)
        and len(rule) < 20
        and all(
            isinstance(value, str | int) and len(str(value)) < 100 for item in rule.items() for value in item
        )
    )
