"""Reads word vectors in the text forms of GloVe, word2vec and fastText.

A line has a word and its numbers, parted by spaces. All lines have as many numbers, so that a word may have spaces
itself. word2vec and fastText write a first line with the number of words and of numbers in a line. The most frequent
words come first. A file may be larger than memory: one line is looked at at a time, and its numbers are read as such
only where they are asked for.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.files import open_bytes
from seqtrain.data.formats.lines import Lines
from seqtrain.data.formats.record import shown
from seqtrain.errors import DataError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import Vocabulary

MOST_LINE_BYTES = 1 << 17
"""A longer line is an error: some 10,000 numbers."""

EXACT, LOWER, OTHER_CASE, MISSING = 3, 2, 1, 0
"""How a word of the file is like a token: the same, its lower case, the same but for the case, not at all."""

_HEADER = re.compile(rb"([1-9][0-9]{,11}) ([1-9][0-9]{,11})")
_NUMBER = re.compile(rb"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?", re.IGNORECASE)
_FETCH = "Fetch the file again, it may be damaged."
_FORMS = (
    "It must have the text form of GloVe, word2vec or fastText: a word and its numbers, parted by spaces."
)


class Row(NamedTuple):
    """A word, its numbers as they stand in the file, and its line."""

    word: str
    numbers: bytes
    line: int


class Vectors(NamedTuple):
    """The vectors of some tokens, float32[tokens, dimension], zeros for those without one, and how alike the words
    of the file are that they are from, int8[tokens]: EXACT, LOWER, OTHER_CASE or MISSING."""

    table: NDArray[np.float32]
    likeness: NDArray[np.int8]


def rows(path: Path) -> Generator[Row, None, None]:
    """All rows of a file in their order.

    DataError for a file that cannot be read, is empty or damaged, has not as many words as its first line says, or a
    line that is too long, has fewer or more numbers than the others, or a word that is not UTF-8.
    """
    with open_bytes(path) as stream:
        lines = Lines(stream, str(path), MOST_LINE_BYTES)
        first = (next(lines, None) or b"").rstrip(b" ")
        header = _HEADER.fullmatch(first)
        size = int(header[2]) if header else first.count(b" ")
        if not size:
            raise DataError(f"{path}: does not begin with a word vector", hint=_FORMS)
        count = 0
        for line in lines if header else chain([first], lines):
            yield _row(line, size, path, lines.number)
            count += 1
        if header and count != int(header[1]):
            raise DataError(
                f"{path}: has {count:,} words, but its first line says {int(header[1]):,}", hint=_FETCH
            )


def _row(line: bytes | None, size: int, path: Path, number: int) -> Row:
    if line is None:
        raise DataError(f"{path}:{number}: has more than {MOST_LINE_BYTES:,} bytes", hint=_FORMS)
    line = line.rstrip(b" ")  # word2vec and fastText write a space behind each number
    spaces = line.count(b" ")
    end = line.find(b" ")
    if spaces > size:
        end = len(line.rsplit(b" ", size)[0])
        if _NUMBER.fullmatch(line[:end].rpartition(b" ")[2]):
            raise _ragged(path, number, "more", size)
    elif spaces < size:
        raise _ragged(path, number, f"only {spaces}", size)
    try:
        return Row(line[:end].decode(), line[end + 1 :], number)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: has a word that is not UTF-8", hint=f"A binary file? {_FORMS}"
        ) from error


def _ragged(path: Path, number: int, found: str, size: int) -> DataError:
    return DataError(f"{path}:{number}: has {found} numbers where {size} are expected", hint=_FETCH)


def dimension(path: Path) -> int:
    """How many numbers a vector has, at least 1, by the first one."""
    with closing(rows(path)) as found:
        return len(_vector(next(found), path))


def extra_words(vocabulary: Vocabulary, path: Path, tokenizer: Tokenizer, limit: int) -> list[str]:
    """The first words of a file, `limit` at most, that are not in the vocabulary and that the tokenizer leaves whole.

    They are in the case that the tokenizer gives them.
    """
    known, extra = set(vocabulary.tokens), list[str]()
    with closing(rows(path)) as found:
        while len(extra) < limit and (row := next(found, None)):
            tokens = tokenizer(row.word)
            if len(tokens) == 1 and tokens[0] in (row.word, row.word.lower()) and tokens[0] not in known:
                known.add(tokens[0])
                extra.append(tokens[0])
    return extra


def wanted_rows(path: Path, tokens: Sequence[str]) -> Vectors:
    """The vectors of these tokens. The file is read to its end; memory is for the table and a line.

    The vector of a token is that of the same word; if there is none, of its lower case; if there is none, of the first
    word that is the same but for the case. Of several rows of a word the first one counts. DataError as `rows`, and
    for a wanted vector with something else than finite numbers.
    """
    places = defaultdict(list)
    for place, token in enumerate(tokens):
        places[token.lower()].append(place)
    table = np.zeros((len(tokens), dimension(path)), np.float32)
    likeness = np.zeros(len(tokens), np.int8)
    for row in rows(path):
        for place in places.get(row.word.lower(), ()):
            alike = _likeness(row.word, tokens[place])
            if alike > likeness[place]:
                table[place], likeness[place] = _vector(row, path), alike
    return Vectors(table, likeness)


def _likeness(word: str, token: str) -> int:
    if word == token:
        return EXACT
    return LOWER if word == token.lower() else OTHER_CASE


def _vector(row: Row, path: Path) -> NDArray[np.float32]:
    pieces = row.numbers.split(b" ")
    with np.errstate(over="ignore"):  # it is infinite then
        vector = np.array([*map(_number, pieces)], np.float32)
    if not np.isfinite(vector).all():
        piece = pieces[int(np.argmin(np.isfinite(vector)))].decode(errors="replace")
        raise DataError(f"{path}:{row.line}: {shown(piece)} is not a finite number", hint=_FORMS)
    return vector


def _number(piece: bytes) -> float:
    try:
        return float(piece)
    except ValueError:
        return math.nan
