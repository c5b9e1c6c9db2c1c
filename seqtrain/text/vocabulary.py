"""The tokens that a model knows, each with its id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqtrain.errors import RunError, UsageError

PAD, UNK = 0, 1
SPECIAL = ("<pad>", "<unk>")
_COUNT = re.compile("0|[1-9][0-9]{0,17}")


@dataclass
class Vocabulary:
    """Tokens in the order of their ids, `<pad>` and `<unk>` first, and their counts in the training text.

    The count of `<pad>` is 0, that of `<unk>` sums up all that the vocabulary left out.

    >>> vocabulary = Vocabulary.from_counts({"good": 2, "a": 3, "zest": 1}, min_count=2, max_size=30000)
    >>> vocabulary
    Vocabulary(tokens=['<pad>', '<unk>', 'a', 'good'], counts=[0, 1, 3, 2])
    >>> vocabulary.encode(["a", "zest", "good"])
    [2, 1, 3]
    """

    tokens: list[str]
    counts: list[int]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Without the special entries: a text that says "<pad>" has a word that nobody knows.
        self._ids = {token: index for index, token in enumerate(self.tokens) if index > UNK}

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int] | Iterable[tuple[str, int]], min_count: int, max_size: int
    ) -> Vocabulary:
        """The most frequent tokens that occur at least `min_count` times, ties in code point order.

        `max_size` is the number of ids, those of `<pad>` and `<unk>` included; UsageError if it is below 2.
        """
        if max_size < len(SPECIAL):
            raise UsageError(f"a vocabulary of max_size {max_size} has no room for {' and '.join(SPECIAL)}")
        pairs = list(counts.items() if isinstance(counts, Mapping) else counts)
        known = [pair for pair in pairs if pair[1] >= min_count and pair[0] not in SPECIAL]
        known = sorted(known, key=lambda pair: (-pair[1], pair[0]))[: max_size - len(SPECIAL)]
        unknown = sum(count for _, count in pairs) - sum(count for _, count in known)
        return cls([*SPECIAL, *(token for token, _ in known)], [0, unknown, *(count for _, count in known)])

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def coverage(self) -> float:
        """The share of the training text's tokens that have an id of their own, from 0 to 1."""
        return 1 - self.counts[UNK] / max(1, sum(self.counts))

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """The tokens' ids, `<unk>` for those it does not know, and a single `<unk>` for no tokens at all."""
        return [self._ids.get(token, UNK) for token in tokens] or [UNK]

    def to_tsv(self) -> str:
        """A line `token<TAB>count` for each id, in their order; `from_tsv` reads it back."""
        return "".join(f"{token}\t{count}\n" for token, count in zip(self.tokens, self.counts, strict=True))

    @classmethod
    def from_tsv(cls, text: str, origin: str) -> Vocabulary:
        """Reads what `to_tsv` wrote; RunError, naming the origin and the line, for anything else."""
        *lines, end = text.split("\n")  # not splitlines, which also splits at form feeds and U+2028
        if end:
            raise RunError(f"{origin}:{len(lines) + 1}: the vocabulary is cut off in the middle of a line")
        tokens: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            token, _, count = line.partition("\t")
            if problem := _problem(token, count, number, tokens):
                raise RunError(f"{origin}:{number}: not a vocabulary: {problem}")
            tokens[token] = int(count)
        if len(tokens) < len(SPECIAL):
            raise RunError(f"{origin}: not a vocabulary: {' and '.join(SPECIAL)} are missing")
        return cls(list(tokens), list(tokens.values()))

    def save(self, path: str | Path) -> None:
        """Writes vocabulary.tsv."""
        Path(path).write_text(self.to_tsv(), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Reads vocabulary.tsv; RunError if it is missing, unreadable or anything but what `save` writes."""
        try:
            text = Path(path).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{path}: the vocabulary cannot be read: {error}") from error
        return cls.from_tsv(text, str(path))


def _problem(token: str, count: str, number: int, earlier: Mapping[str, int]) -> str:
    """What is wrong with line `number` of a vocabulary, or nothing."""
    if number <= len(SPECIAL) and token != SPECIAL[number - 1]:
        return f"the token is {token!r}, but the one of id {number - 1} is {SPECIAL[number - 1]!r}"
    if not token:
        return "the token is empty"
    if token in earlier:
        return f"the token {token!r} is there twice"
    if not _COUNT.fullmatch(count):
        return f"{count!r} after the tab is not a count"
    return ""
