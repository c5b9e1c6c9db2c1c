"""From texts to numbered words, a chunk of texts at a time: what each process does that encodes.

A process for encoding waits for the imports of this module, so they are few.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain, compress, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.piece_table import LONGEST, PieceTable
from seqtrain.data.pieces import CUTS, SEPARATOR, Pieces
from seqtrain.text.tokenizer import TOKENIZERS, Tokenizer, truncate
from seqtrain.text.vocabulary import SPECIAL, UNK

MOST_BYTES = 1 << 25
"""An Encoder whose words take more memory forgets them: those of some 240,000 words."""

_WORD_BYTES = 130  # of memory for a word and its number besides its characters, as measured

# Pieces beyond ASCII that are remembered, about 5 MB. Where nothing separates words, a piece may be a whole text.
_KNOWN, _LONGEST_KNOWN = 1 << 14, 64


class Numbering(dict[str, int]):
    """Numbers strings from `first` on, in order of first appearance."""

    def __init__(self, first: int = 0) -> None:
        self.first = first

    def __missing__(self, key: str) -> int:
        self[key] = number = self.first + len(self)
        return number

    def since(self, known: int) -> list[str]:
        """The strings but for the first `known`."""
        return list(islice(reversed(self), len(self) - known))[::-1]


def memory(words: list[str]) -> int:
    """About how many bytes it takes to have numbered these words."""
    return sum(map(len, words)) + _WORD_BYTES * len(words)


class Texts(NamedTuple):
    """One text or more: UTF-8, each followed by a separator, and the places of the separators, int64[texts]."""

    utf8: bytes
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        return cls(SEPARATOR.join([*parts, b""]), np.cumsum(lengths + 1) - 1)


class Encoded(NamedTuple):
    """What an Encoder makes of a chunk.

    words: those that it does not remember from earlier chunks; first: the number of the first of them, the others
    follow. It is 0 if nothing was remembered: what the numbers stood for before is no longer true.
    numbers int32[tokens]: the words of all texts, one text after the other; lengths int32[texts], at least 1;
    truncated bool[texts], True for a text that had more tokens.
    """

    words: list[str]
    first: int
    numbers: NDArray[np.int32]
    lengths: NDArray[np.int32]
    truncated: NDArray[np.bool_]


class Encoder:
    """Tokenizes chunks of texts, and numbers the words in the order in which it meets them.

    A text without a token becomes the word `<unk>`. Texts are cut into pieces, and only those that are not remembered
    are tokenized. When the words take more than MOST_BYTES, all are forgotten before the next chunk; what is remembered
    of the pieces takes 25 MB at most.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._cut, self._between = CUTS[tokenizer.kind]
        self._start()

    def _start(self) -> None:
        """Remembers nothing, whatever was before."""
        self._words, self._memory = Numbering(), 0
        self._tokenized = partial(_tokenized, tokenizer=self._tokenizer, words=self._words)
        self._table = PieceTable()
        self._known = lru_cache(_KNOWN)(self._tokenized)

    def __call__(self, texts: Texts) -> Encoded:
        if self._memory > MOST_BYTES:
            self._start()
        # Bytes beyond ASCII stay as they are. With ASCII in lower case, fewer pieces are distinct.
        utf8 = texts.utf8.lower() if self._tokenizer.lowercase else texts.utf8
        padded = utf8 + SEPARATOR * LONGEST
        pieces = self._cut(padded, texts.ends)
        known = len(self._words)
        numbers, counts = self._numbers(padded, pieces)
        stops = np.concatenate([[0], np.cumsum(counts)])[np.searchsorted(pieces.starts, texts.ends)]
        rows = self._rows(numbers, stops)
        new = self._words.since(known)
        self._memory += memory(new)
        return Encoded(new, known, *rows)

    def _numbers(self, text: bytes, pieces: Pieces) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The numbers of the words of all pieces, and of how many words each piece consists."""
        numbers, counts = self._table.find(text, pieces), np.ones(len(pieces.starts), np.int64)
        unknown = np.flatnonzero(numbers < 0)
        several = self._look_up(pieces.take(unknown).of(text), numbers, unknown)
        single = unknown[numbers[unknown] >= 0]
        self._table.remember(text, pieces.take(single), numbers[single])
        if several:
            counts[numbers < 0] = [len(words) for words in several]
            numbers = np.repeat(numbers, counts)
            numbers[numbers < 0] = list(chain.from_iterable(several))
        return numbers, counts

    def _look_up(
        self, pieces: list[bytes], numbers: NDArray[np.int32], places: NDArray[np.int64]
    ) -> list[tuple[int, ...]]:
        """Fills in the numbers of pieces that are a single word, at these places; returns those of the others."""
        ascii_only = np.fromiter(map(bytes.isascii, pieces), np.bool_, len(pieces))
        together = self._between.join([*compress(pieces, ascii_only), b""])
        numbers[places[ascii_only]] = self._tokenized(together)
        found = [self._remembered(piece) for piece in compress(pieces, ~ascii_only)]
        numbers[places[~ascii_only]] = [words[0] if len(words) == 1 else -1 for words in found]
        return [words for words in found if len(words) != 1]

    def _remembered(self, piece: bytes) -> tuple[int, ...]:
        return self._known(piece) if len(piece) <= _LONGEST_KNOWN else self._tokenized(piece)

    def _rows(
        self, numbers: NDArray[np.int32], stops: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """Numbers, lengths and `truncated` of texts, of which each one's numbers end before its stop."""
        lengths = np.diff(stops, prepend=0)
        empty = np.flatnonzero(lengths == 0)
        if len(empty):
            numbers = np.insert(numbers, stops[empty], self._words[SPECIAL[UNK]])
            lengths[empty] = 1
        truncated = lengths > self._tokenizer.max_length
        if truncated.any():
            numbers = np.concatenate(list(self._truncated(numbers, lengths, truncated)))
            lengths[truncated] = self._tokenizer.max_length
        return numbers, lengths.astype(np.int32), truncated

    def _truncated(
        self, numbers: NDArray[np.int32], lengths: NDArray[np.int64], too_long: NDArray[np.bool_]
    ) -> Iterator[NDArray[np.int32]]:
        stops, done = np.cumsum(lengths), 0
        for start, stop in zip((stops - lengths)[too_long].tolist(), stops[too_long].tolist(), strict=True):
            yield numbers[done:start]
            # An array can be cut and joined like the list of tokens that truncate expects.
            tokens: Any = array("i", numbers[start:stop].tobytes())
            yield np.array(truncate(tokens, self._tokenizer.max_length, self._tokenizer.truncate))
            done = stop
        yield numbers[done:]


def _tokenized(piece: bytes, tokenizer: Tokenizer, words: Numbering) -> tuple[int, ...]:
    """The numbers of a piece's words; not a method, so that what remembers them does not keep the Encoder alive."""
    text = piece.decode("utf-8", "surrogatepass")
    return tuple(map(words.__getitem__, TOKENIZERS[tokenizer.kind](text, tokenizer.lowercase)))
