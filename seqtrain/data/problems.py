"""Rows that cannot be used: all are counted, the first few are kept, and one error names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError

SHOWN = 20
"""How many bad rows an error names."""


def listed(names: Sequence[str], limit: int = 10) -> str:
    """The names for a message, separated by commas; beyond the limit they are only counted."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


class Problems:
    """Bad rows met on the way; memory does not grow with their number."""

    def __init__(self) -> None:
        self._first: list[BadRow] = []
        self._kinds: Counter[str] = Counter()

    def add(self, row: BadRow) -> None:
        self._kinds[row.kind] += 1
        if len(self._first) < SHOWN:
            self._first.append(row)

    def usable(self, rows: Iterable[Example | BadRow]) -> Iterator[Example]:
        """The examples among what a reader yields; the bad rows are kept here."""
        for row in rows:
            if isinstance(row, BadRow):
                self.add(row)
            else:
                yield row

    def raise_if_any(self) -> None:
        """DataError with the first `SHOWN` rows and the number of each kind, if there was a bad row."""
        total = self._kinds.total()
        if not total:
            return
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._kinds.most_common())
        lines = [
            f"{total:,} {'row' if total == 1 else 'rows'} cannot be used: {kinds}",
            *map(str, self._first),
        ]
        if total > SHOWN:
            lines.append(f"… and {total - SHOWN:,} more")
        raise DataError("\n  ".join(lines), hint="Correct these rows or take them out.")
