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

from seqtrain.data.files import expand, open_bytes
from seqtrain.data.formats.lines import Lines
from seqtrain.data.formats.record import shown
from seqtrain.errors import DataError, UsageError
from seqtrain.text.tokenizer import Tokenizer
from seqtrain.text.vocabulary import UNK, Vocabulary

MOST_LINE_BYTES = 1 << 17
"""A longer line is an error: some 10,000 numbers."""

EXACT, LOWER, OTHER_CASE, BY_PARTS, MISSING = 4, 3, 2, 1, 0
"""What the file has of a token: the same word, its lower case, the same but for the case, its parts, nothing."""

_CONTRACTION = re.compile("(.+?)(n't|'[^']+)", re.IGNORECASE)
"""The parts that the Penn Treebank's tokenization makes of a word: does|n't, ca|n't, it|'s, they|'ll."""

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
    """The vectors of some tokens, float32[tokens, dimension], zeros for those without one, and what of the file they
    are from, int8[tokens]: EXACT, LOWER, OTHER_CASE, BY_PARTS or MISSING."""

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
                f"{path}: has {_counted(count, 'word')}, but its first line says {int(header[1]):,}",
                hint=_FETCH,
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
            raise _ragged(path, number, "more numbers", size)
    elif spaces < size:
        raise _ragged(path, number, f"only {_counted(spaces, 'number')}", size)
    try:
        return Row(line[:end].decode(), line[end + 1 :], number)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: has a word that is not UTF-8", hint=f"A binary file? {_FORMS}"
        ) from error


def _ragged(path: Path, number: int, found: str, size: int) -> DataError:
    verb = "is" if size == 1 else "are"
    return DataError(f"{path}:{number}: has {found} where {size} {verb} expected", hint=_FETCH)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def require_room(path: Path, embedding_size: int) -> None:
    """Raises what keeps the vectors of a file from being the start of an embedding; it names the key of the config.

    DataError for a file that is missing, no regular one, or without a vector at its start; UsageError for vectors that
    are longer than those of the embedding.
    """
    try:
        expand(path)
        if not path.is_file():  # to open a pipe would be to wait for its writer
            raise DataError(f"{path}: is no regular file", hint="Write its content to one; it is read twice.")
        size = dimension(path)
    except DataError as error:
        raise DataError(f"model.vectors: {error}") from error
    if size > embedding_size:
        raise UsageError(
            f"model.vectors: {path} has {size} numbers a word, but model.embedding_size is {embedding_size}",
            hint=f"Set model.embedding_size to {size}, or more.",
        )


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


def vectors_for(vocabulary: Vocabulary, path: Path) -> Vectors:
    """The vectors of `<unk>` and of each word of a vocabulary: its tokens but for `<pad>`, which is read as zeros.

    Raises as `wanted_rows`; DataError for a file that has none of them, contractions aside.
    """
    found = wanted_rows(path, vocabulary.tokens[UNK:])
    if not (found.likeness > BY_PARTS).any():
        raise DataError(
            f"{path}: has none of the {_counted(len(vocabulary.tokens) - UNK - 1, 'word')} of the vocabulary",
            hint="Take vectors for the language of the texts.",
        )
    return found


def wanted_rows(path: Path, tokens: Sequence[str]) -> Vectors:
    """The vectors of these tokens. The file is read to its end; memory is for the table and a line.

    The vector of a token is that of the same word; if there is none, of its lower case; if there is none, of the first
    word that is the same but for the case. Of several rows of a word the first one counts. A contraction without any
    of these has the mean of its parts' vectors, if the file has both. DataError as `rows`, and for a wanted vector
    with something else than finite numbers.
    """
    contractions = {place: parts for place, token in enumerate(tokens) if (parts := _parts(token))}
    every_part = dict.fromkeys(chain.from_iterable(contractions.values()))
    behind = {part: place for place, part in enumerate(every_part, len(tokens))}
    table, likeness = _whole_words(path, [*tokens, *behind])
    for place, parts in contractions.items():
        of_parts = [behind[part] for part in parts]
        if likeness[place] == MISSING and likeness[of_parts].all():
            table[place] = table[of_parts].mean(axis=0, dtype=np.float64)
            likeness[place] = BY_PARTS
    return Vectors(table[: len(tokens)], likeness[: len(tokens)])


def _parts(token: str) -> tuple[str, ...]:
    """Both parts of a contraction; none of another word."""
    match = _CONTRACTION.fullmatch(token)
    return match.groups() if match else ()


def _whole_words(path: Path, words: Sequence[str]) -> Vectors:
    """The same without parts."""
    places = defaultdict(list)
    for place, word in enumerate(words):
        places[word.lower()].append(place)
    table = np.zeros((len(words), dimension(path)), np.float32)
    likeness = np.zeros(len(words), np.int8)
    for row in rows(path):
        for place in places.get(row.word.lower(), ()):
            alike = _likeness(row.word, words[place])
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
