"""Small data files, and the splits that name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqtrain.data.splits import Splits
from seqtrain.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer("word", lowercase=True, max_length=6, truncate="head")

Table = Sequence[tuple[str, str]]


def splits(folder: Path, *, dev: Table | float = 0.5, **tables: Table) -> Splits:
    """Writes (label, text) pairs to train.tsv, dev.tsv and test.tsv of a folder."""
    if not isinstance(dev, float):
        tables["dev"] = dev
    for name, rows in tables.items():
        lines = "".join(f"{label}\t{text}\n" for label, text in rows)
        (folder / f"{name}.tsv").write_text(lines, "utf-8")
    names = {name: str(folder / f"{name}.tsv") for name in tables}
    share_or_file = dev if isinstance(dev, float) else names["dev"]
    return Splits(names["train"], share_or_file, names.get("test"), None, 1, 1000)
