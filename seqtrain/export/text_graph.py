"""Texts → token ids inside a TensorFlow graph, by the rule of `seqtrain.text.tokenizer`.

A lookup table has what each code point becomes, U+0020 for all that separates; then the text is joined again and cut.
No operator is used that knows Unicode by itself: what `tf.strings.lower` makes of a letter depends on the locale of the
process, and what is a letter on the edition of Unicode in the TensorFlow that runs the graph.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from seqtrain.text.tokenizer import Tokenizer, char, word_rule
from seqtrain.text.vocabulary import UNK

_STAYS = (
    b"\xff"  # the table's answer for a code point without an entry; not UTF-8, so no other can be the same
)


class TextGraph(tf.Module):  # type: ignore[misc]
    """A tokenizer and a vocabulary as lookup tables, which are saved with the module that owns this one."""

    def __init__(self, tokenizer: Tokenizer, tokens: Sequence[str]) -> None:
        """tokens: those of the vocabulary, by id."""
        super().__init__()
        self._tokenizer = tokenizer
        self._replaced = _table(replacements(tokenizer.kind, tokenizer.lowercase), _STAYS)
        self._ids = _table({token: index for index, token in enumerate(tokens)}, UNK)

    def __call__(self, text: Any) -> tuple[Any, Any]:
        """text <string>[batch] → token_ids <int32>[batch, time ≥ 1], lengths <int32>[batch], at least 1.

        What pads is <unk>, so that a text without a token has one. The batch may be empty.
        """
        tokens = self.tokens(text)
        # <pad> in the vocabulary is no word: a text that says "<pad>" has one that nobody knows.
        ids = tf.ragged.map_flat_values(lambda flat: tf.maximum(self._ids.lookup(flat), UNK), tokens)
        lengths = tf.maximum(ids.row_lengths(), 1)
        longest = tf.reduce_max(tf.concat([[1], lengths], axis=0))
        return ids.to_tensor(UNK, shape=tf.stack([-1, longest])), tf.cast(lengths, tf.int32)

    def tokens(self, text: Any) -> Any:
        """text <string>[batch] → its tokens, a ragged <string>[batch, (tokens)], as `Tokenizer` gives them.

        Bytes that are not UTF-8 become the U+FFFD that Python makes of them.
        """
        code_points = tf.strings.unicode_split(text, "UTF-8", errors="replace")
        replaced = tf.ragged.map_flat_values(self._replace, code_points)
        tokens = CUTS[self._tokenizer.kind](tf.strings.reduce_join(replaced, axis=-1))
        return truncated(tokens, self._tokenizer.max_length, self._tokenizer.truncate)

    def _replace(self, code_points: Any) -> Any:
        found = self._replaced.lookup(code_points)
        return tf.where(found == _STAYS, code_points, found)


def replacements(kind: str, lowercase: bool) -> dict[str, str]:
    """What a code point becomes before the text is cut; one without an entry stays. U+0020 is all that separates.

    In `whitespace` only what separates in the text as it came does: what a code point becomes must not be cut.
    """
    rule = json.loads(word_rule())
    separators = set(re.findall(f"[{rule['Z']}]", "".join(map(chr, range(sys.maxunicode + 1)))))
    mapped = {old: "".join(char(old, lowercase)) for old in {*rule["replace"], *rule["lower"], *separators}}
    if kind != "whitespace":
        return mapped
    return {old: " " if old in separators else new.replace(" ", "") for old, new in mapped.items()}


def _words(text: Any) -> Any:
    rule = json.loads(word_rule())
    pattern = rule["pattern"].format(W=rule["W"], M=rule["M"], Z=" ")
    return _runs(tf.strings.regex_replace(text, pattern, r"\0 "))


def _runs(text: Any) -> Any:
    return tf.strings.split(text)  # at any white space of ASCII, of which there is only U+0020 left


def _code_points(text: Any) -> Any:
    return tf.strings.unicode_split(text, "UTF-8")


CUTS = {"word": _words, "whitespace": _runs, "char": _code_points}
"""text <string>[batch], made of `replacements` → its tokens, by the kind of tokenizer."""

STARTS: dict[str, Callable[[int], int]] = {
    "head": lambda most: most,
    "tail": lambda most: 0,
    "middle": lambda most: most - most // 2,
}
"""How many of at most so many tokens are kept at the start of a text; the others are at its end."""


def truncated(tokens: Any, max_length: int, how: str) -> Any:
    """At most `max_length` tokens of each row of a ragged tensor, chosen as `seqtrain.text.tokenizer.truncate` does."""
    start = STARTS[how](max_length)
    lengths = tokens.row_lengths()
    position = tf.ragged.range(lengths)
    at_end = position >= (lengths - (max_length - start))[:, tf.newaxis]
    return tf.ragged.boolean_mask(tokens, (position < start) | at_end)


def _table(entries: dict[str, Any], default: Any) -> Any:
    initializer = tf.lookup.KeyValueTensorInitializer(list(entries), list(entries.values()))
    return tf.lookup.StaticHashTable(initializer, default)
