"""What a model file says besides its graph: how a text becomes token ids, and which label a column belongs to.

`metadata_props` of model.onnx has it under the key `seqtrain`, as JSON:

    "format"      1: the meaning of the other entries; another number is refused
    "labels"      a list of at least two strings; label i is column i of the logits and probabilities
    "vocabulary"  a list of strings, "<pad>" and "<unk>" first; token i has the id i
    "tokenizer"   the rule by which a text is cut into tokens, see `Tokenizer.rule`
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seqtrain.errors import RunError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import SPECIAL, Vocabulary

KEY = "seqtrain"
FORMAT = 1
HINT = "Is it the model.onnx that `seqtrain fit` wrote?"


class Metadata(NamedTuple):
    """What `parse_metadata` found; the counts of the vocabulary are not in a model file, they are 0."""

    labels: list[str]
    vocabulary: Vocabulary
    tokenizer: Tokenizer


def model_metadata(labels: Sequence[str], vocabulary: Vocabulary, tokenizer: Tokenizer) -> dict[str, str]:
    """The entries for `metadata_props`; `parse_metadata` reads them back."""
    content = {
        "format": FORMAT,
        "labels": list(labels),
        "vocabulary": vocabulary.tokens,
        "tokenizer": tokenizer.rule(),
    }
    return {KEY: json.dumps(content, ensure_ascii=False, separators=(",", ":"))}


def parse_metadata(properties: Mapping[str, str], origin: str) -> Metadata:
    """Reads `metadata_props`; RunError, naming the origin, for anything that `model_metadata` does not write."""
    if KEY not in properties:
        raise RunError(f"{origin}: the model carries no labels and no vocabulary", hint=HINT)
    try:
        content = json.loads(properties[KEY])
    except ValueError as error:
        raise RunError(f"{origin}: the model's metadata are damaged: {error}", hint=HINT) from error
    if problem := _problem(content):
        raise RunError(f"{origin}: the model's metadata are damaged: {problem}", hint=HINT)
    tokens = content["vocabulary"]
    vocabulary = Vocabulary(tokens, counts=[0] * len(tokens))
    return Metadata(content["labels"], vocabulary, Tokenizer.from_rule(content["tokenizer"]))


def _problem(content: Any) -> str:
    """What is wrong with the metadata, or nothing."""
    if not isinstance(content, dict):
        return "they are not a JSON object"
    if content.get("format") != FORMAT:
        return f"their format is {content.get('format')!r}, and this seqtrain knows {FORMAT}"
    for name, least in (("labels", 2), ("vocabulary", len(SPECIAL))):
        if problem := _list_problem(content.get(name), least):
            return f"{name} {problem}"
    if tuple(content["vocabulary"][: len(SPECIAL)]) != SPECIAL:
        return f"the vocabulary does not begin with {' and '.join(SPECIAL)}"
    if not isinstance(content.get("tokenizer"), dict):
        return "tokenizer is not an object"
    return ""


def _list_problem(values: Any, least: int) -> str:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return "is not a list of texts"
    if len(values) < least:
        return f"has {len(values)} entries, and needs at least {least}"
    return "" if len(set(values)) == len(values) else "has an entry twice"
