"""How long the texts are, in tokens, and what truncation takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtrain.data.checks.report import Finding, Section, passed, percent, table, warning
from seqtrain.data.storage import Corpus

PERCENTILES = (1, 5, 25, 50, 75, 95, 99, 100)

TRUNCATED = 0.05
"""Share of truncated texts from which on it is worth a thought."""

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 40  # of the histogram, in characters


def lengths_section(corpora: Mapping[str, Corpus], *, max_length: int) -> Section:
    """The section on lengths, as truncation to `max_length` tokens leaves them."""
    by_split = {split: corpus.lengths for split, corpus in corpora.items()}
    truncated = {split: int(np.count_nonzero(corpus.truncated)) for split, corpus in corpora.items()}
    percentiles = {split: _percentiles(lengths) for split, lengths in by_split.items()}
    width, counts = histogram(by_split["train"])
    facts = {split: _facts(by_split[split], percentiles[split], truncated[split]) for split in corpora}
    facts["train"] |= {"histogram": counts.tolist(), "histogram_width": width}
    head = ["% of the texts have at most", *map(str, PERCENTILES[:-1]), "all"]
    rows = table([head, *([split, *map(str, values)] for split, values in percentiles.items())])
    drawn = f"train, from 1 to {width * len(counts):,}: {bars(counts)}"
    shares = {split: truncated[split] / len(by_split[split]) for split in corpora}
    return Section("lengths", "Lengths in tokens", facts, [*rows, drawn], [_truncation(shares, max_length)])


def _facts(lengths: NDArray[np.int32], percentiles: list[int], truncated: int) -> dict[str, Any]:
    return {
        "tokens": int(lengths.sum(dtype=np.int64)),
        "percentiles": dict(zip(map(str, PERCENTILES), percentiles, strict=True)),
        "truncated": truncated,
    }


def histogram(lengths: NDArray[np.int32]) -> tuple[int, NDArray[np.int64]]:
    """Texts by length in bars of equal width: (width in tokens, int64[bars]); the first bar begins at 1."""
    width = -(-int(lengths.max()) // _WIDTH)
    return width, np.bincount((lengths - 1) // width)


def bars(counts: NDArray[np.int64]) -> str:
    """A character for each count, the highest for the largest; a blank for none.

    >>> bars(np.array([1, 0, 4, 8]))
    '▁ ▄█'
    """
    heights = -(-counts * len(_BARS) // counts.max())
    return "".join(f" {_BARS}"[height] for height in heights.tolist())


def _percentiles(lengths: NDArray[np.int32]) -> list[int]:
    """The shortest length that the share of the texts does not exceed."""
    found = np.percentile(lengths, PERCENTILES, method="inverted_cdf")
    return [int(length) for length in found]


def _truncation(shares: Mapping[str, float], max_length: int) -> Finding:
    told = ", ".join(f"{percent(share)} of {split}" for split, share in shares.items())
    said = f"truncated to {max_length:,} tokens: {told}"
    if max(shares.values()) < TRUNCATED:
        return passed(said)
    return warning(
        said, "If what is cut off matters, raise tokenizer.max_length; an epoch takes longer then."
    )
