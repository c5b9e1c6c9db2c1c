"""How the files of a run are read: what of a config `predict` needs, kept in run.json so that it needs no more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from seqtrain.data.reader import Columns

_PROBLEM = "does not say how files are read"


@dataclass(frozen=True)
class Reading:
    """The columns, None for the usual ones, and how long a line may be."""

    columns: Columns | None
    max_line_bytes: int

    def facts(self) -> dict[str, Any]:
        """For JSON; `from_facts` turns it back."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Any) -> Reading:
        """ValueError for what `facts` does not make."""
        match facts:
            case {"columns": None, "max_line_bytes": int(most)} if most > 0:
                return cls(None, most)
            case {"columns": {} as columns, "max_line_bytes": int(most)} if most > 0:
                return cls(_columns(columns), most)
        raise ValueError(_PROBLEM)


def _columns(facts: dict[str, Any]) -> Columns:
    match facts:
        case {"label": label, "text": text, "weight": weight}:
            columns = Columns(label, tuple(text) if isinstance(text, list) else text, weight)
            others = [column for column in (label, weight) if column is not None]
            if columns.texts and all(map(_is_column, [*columns.texts, *others])):
                return columns
    raise ValueError(_PROBLEM)


def _is_column(value: Any) -> bool:
    return isinstance(value, str) or (type(value) is int and value >= 0)
