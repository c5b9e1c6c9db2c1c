"""Cuts a text into tokens, the same ones in every language and on every machine.

The rule is frozen as version 1. docs/formats.md states it for everyone, under "The tokenizer's rule"; its tables are
in word_rule.json, and in every model file.

What went into the tables, which tools/word_rule.py made from Unicode 13.0:

- `replace` has the NFKC form of each code point. Besides, U+2019 becomes the apostrophe, and some invisible
  code points are dropped: the soft hyphen, the word joiner, the byte order mark, and the marks of writing
  direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). As code points are never composed,
  é and e + U+0301 make different words.
- `lower` has the lower case of each code point alone: Σ is always σ, İ is i + U+0307, ı and ß stay.
- W has the letters and numbers (categories L and N) of all scripts but Han, kana, Thai, Lao, Khmer and
  Myanmar. Those are written without spaces, so each of their letters, iteration marks (々 ー ๆ ໆ ៗ) and
  word-like numerals (〇) is a token. Their digits are in W, for a number is one word everywhere.
- M has the combining marks (categories Mn, Mc, Me), ZWNJ and ZWJ. Without a character before them they are a
  token.
- Z has spaces, line and paragraph separators, controls (Zs, Zl, Zp, Cc), and U+200B, which parts words.
- All else, code points newer than the tables included, is a token with the marks after it. An apostrophe
  belongs to a word if a letter or number follows and precedes it: don't, rock'n'roll, but not 'tis or dogs'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seqtrain.errors import RunError, UsageError

VERSION = 1

# The rule for text that is all ASCII, which most English text is: the same tokens, several times faster.
_ASCII_WORD = re.compile("[0-9A-Za-z]+(?:'[0-9A-Za-z]+)*|[!-~]")
_ASCII_RUN = re.compile("[!-~]+")
_ASCII_SEPARATOR = re.compile("[\0- \x7f]")

_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
_RANGES_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff](-.)?")


def word(text: str, lowercase: bool) -> list[str]:
    """Words with their inner apostrophes and marks; any other visible character is a token on its own."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower() if lowercase else text)
    mapped = text.translate(_code_point_map(lowercase))
    return _word_pattern(beyond_bmp=_BEYOND_BMP.search(mapped) is not None).findall(mapped)


def whitespace(text: str, lowercase: bool) -> list[str]:
    """What the text itself separates by white space."""
    if text.isascii():
        return _ASCII_RUN.findall(text.lower() if lowercase else text)
    separator = _separator_pattern()
    code_point_map = _code_point_map(lowercase)
    mapped = (separator.sub("", run.translate(code_point_map)) for run in separator.split(text))
    return [token for token in mapped if token]


def char(text: str, lowercase: bool) -> list[str]:
    """Single code points, with a plain space for each separator."""
    if text.isascii():
        return list(_ASCII_SEPARATOR.sub(" ", text.lower() if lowercase else text))
    return list(_separator_pattern().sub(" ", text.translate(_code_point_map(lowercase))))


TOKENIZERS = {"word": word, "whitespace": whitespace, "char": char}


def word_rule() -> bytes:
    """The tables of the rule, as word_rule.json has them."""
    return Path(__file__).with_name("word_rule.json").read_bytes()


@cache
def _tables() -> dict[str, Any]:
    return json.loads(word_rule())  # type: ignore[no-any-return]


class _CodePointMap(dict[int, str | int]):
    """A table for `str.translate` that remembers what stays as it is: misses are what costs time."""

    def __missing__(self, code_point: int) -> int:
        surrogate = 0xD800 <= code_point <= 0xDFFF
        self[code_point] = 0xFFFD if surrogate else code_point
        return self[code_point]  # type: ignore[return-value]


@cache
def _code_point_map(lowercase: bool) -> _CodePointMap:
    replace = str.maketrans(_tables()["replace"])
    if not lowercase:
        return _CodePointMap(replace)
    lower = str.maketrans(_tables()["lower"])
    return _CodePointMap(lower | {code_point: new.translate(lower) for code_point, new in replace.items()})


@cache
def _word_pattern(beyond_bmp: bool) -> re.Pattern[str]:
    """The pattern of a token. Ranges beyond U+FFFF make it four times slower, so most text goes without."""
    ranges = {name: _tables()[name] for name in "WMZ"}
    if not beyond_bmp:
        ranges = {name: _RANGES_BEYOND_BMP.sub("", inside) for name, inside in ranges.items()}
    return re.compile(_tables()["pattern"].format(**ranges))


@cache
def _separator_pattern() -> re.Pattern[str]:
    return re.compile(f"[{_tables()['Z']}]")


def head(tokens: list[str], max_length: int) -> list[str]:
    """The first tokens."""
    return tokens[:max_length]


def tail(tokens: list[str], max_length: int) -> list[str]:
    """The last tokens."""
    return tokens[-max_length:]


def middle(tokens: list[str], max_length: int) -> list[str]:
    """Both ends, without the middle; an odd length gives the start one more."""
    end = max_length // 2
    return tokens[: max_length - end] + tokens[len(tokens) - end :]  # tokens[-0:] would be all of them


TRUNCATIONS = {"head": head, "tail": tail, "middle": middle}


def truncate(tokens: list[str], max_length: int, how: str) -> list[str]:
    """At most `max_length` ≥ 1 tokens, chosen as `TRUNCATIONS` says; shorter lists stay as they are."""
    return TRUNCATIONS[how](tokens, max_length) if len(tokens) > max_length else tokens


@dataclass(frozen=True)
class Tokenizer:
    """A text's tokens, of one of the kinds in `TOKENIZERS`, at most `max_length` of them.

    >>> Tokenizer("word", lowercase=True, max_length=5, truncate="middle")("I DON’T like it, at all!")
    ['i', "don't", 'like', 'all', '!']

    Raises UsageError for a kind or a truncation that does not exist, or a `max_length` below 1.
    """

    kind: str
    lowercase: bool
    max_length: int
    truncate: str

    def __post_init__(self) -> None:
        if problem := _problem(**asdict(self)):
            raise UsageError(problem)

    def __call__(self, text: str) -> list[str]:
        """The tokens; [] for a text that has none."""
        return truncate(TOKENIZERS[self.kind](text, self.lowercase), self.max_length, self.truncate)

    @property
    def cut(self) -> int:
        """Tokens before the place where the middle of a longer text is missing; 0 if it is cut at an end."""
        return self.max_length - self.max_length // 2 if self.truncate == "middle" else 0

    def rule(self) -> dict[str, Any]:
        """All that the tokens depend on, ready for JSON; `from_rule` turns it back."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_rule(cls, rule: Any) -> Tokenizer:
        """The tokenizer a model was trained with; RunError if its rule is damaged or of another version."""
        settings = dict(rule) if isinstance(rule, Mapping) else {}
        if (version := settings.pop("version", None)) != VERSION:
            raise RunError(
                f"the model's tokenizer follows rule version {version!r}, but this seqtrain knows {VERSION}",
                hint="Use the release of seqtrain that wrote the model, or a newer one.",
            )
        if settings.keys() != cls.__dataclass_fields__.keys():
            raise RunError(f"the model's tokenizer rule is damaged: it has the keys {sorted(rule)}")
        if problem := _problem(**settings):
            raise RunError(f"the model's tokenizer rule is damaged: {problem}")
        return cls(**settings)


def _problem(kind: object, lowercase: object, max_length: object, truncate: object) -> str:
    """What is wrong with a tokenizer's settings, or nothing."""
    if kind not in list(TOKENIZERS):
        return f"tokenizer kind {kind!r} is not one of {', '.join(TOKENIZERS)}"
    if truncate not in list(TRUNCATIONS):
        return f"truncation {truncate!r} is not one of {', '.join(TRUNCATIONS)}"
    if not isinstance(lowercase, bool):
        return f"lowercase {lowercase!r} is neither true nor false"
    if type(max_length) is not int or max_length < 1:
        return f"max_length {max_length!r} is not a whole number of at least 1"
    return ""
