"""Token ids of texts as a model takes them, with all the padding that a test may want."""

from __future__ import annotations

import numpy as np


def batch(texts: list[np.ndarray], more: int = 0, padding: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """token_ids padded with an id to the longest text and some more, and the lengths."""
    lengths = np.array([len(text) for text in texts], np.int32)
    token_ids = np.full((len(texts), lengths.max() + more), padding, np.int32)
    for row, text in zip(token_ids, texts, strict=True):
        row[: len(text)] = text
    return token_ids, lengths
