"""Rows that cannot be used: all are counted, the first few kept; they are skipped, or one error names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from seqtrain.data.formats.record import shown
from seqtrain.data.reader import BadRow, Example
from seqtrain.errors import DataError
from seqtrain.suggestion import did_you_mean

SHOWN = 20
"""How many bad rows are kept, to be named."""


def listed(names: Sequence[str], limit: int = 10) -> str:
    """The names for a message, separated by commas; beyond the limit they are only counted."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


class Problems:
    """How many rows were used and how many rejected, by kind; memory does not grow with their number.

    Bad rows are an error, or skipped if there is somebody who takes them as they come: `rejected`, most often a
    `seqtrain.data.rejected.Rejected` file. Those of a file that is read a second time count once.
    """

    def __init__(self, rejected: Callable[[BadRow], object] | None = None) -> None:
        self.used = 0
        self.kinds: Counter[str] = Counter()
        self.first: list[BadRow] = []
        self._take = rejected
        self._last_lines: dict[str, int] = {}

    @property
    def rejected(self) -> int:
        return self.kinds.total()

    def __str__(self) -> str:
        """Like "14,165 rows used, 3 rejected: 2 empty text, 1 NUL"."""
        counts = f"{_rows(self.used)} used, {self.rejected:,} rejected"
        return f"{counts}: {self._kinds()}" if self.rejected else counts

    def listing(self) -> list[str]:
        """A line for each of the first `SHOWN` bad rows, and one for the number of the others."""
        more = self.rejected - len(self.first)
        return [*map(str, self.first), *([f"… and {more:,} more"] if more else [])]

    def add(self, row: BadRow) -> None:
        if row.line <= self._last_lines.get(row.file, 0):  # lines ascend: the file is read again
            return
        self._last_lines[row.file] = row.line
        self.kinds[row.kind] += 1
        if len(self.first) < SHOWN:
            self.first.append(row)
        if self._take is not None:
            self._take(row)

    def usable(
        self, rows: Iterable[Example | BadRow], labels: Sequence[str] | None = None
    ) -> Iterator[Example]:
        """The examples among what a reader yields; bad rows, and those of a label not in `labels`, are added here."""
        known = frozenset(labels or ())
        among = listed([shown(label, quoted=False) for label in labels or ()])
        for row in rows:
            if isinstance(row, BadRow):
                self.add(row)
            elif labels is not None and row.label not in known:
                label = str(row.label)
                # A close label takes time to find, and only the first rows are looked at.
                meant = did_you_mean(label[:60], labels) if len(self.first) < SHOWN else ""
                message = f"label {shown(label)} is not among {among}.{meant}"
                self.add(BadRow(row.file, row.line, "unknown label", message, row=row.row))
            else:
                self.used += 1
                yield row

    def raise_if_any(self) -> None:
        """DataError with the listing if there was a bad row or, where they are skipped, if no other is left."""
        if not self.rejected or (self._take is not None and self.used):
            return
        skipped = "" if self._take is None else "no row is left: "
        counts = f"{self.rejected:,} of {_rows(self.used + self.rejected)} cannot be used"
        headline = f"{skipped}{counts}: {self._kinds()}"
        raise DataError("\n  ".join([headline, *self.listing()]), hint="Correct these rows or take them out.")

    def _kinds(self) -> str:
        return ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.most_common())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
