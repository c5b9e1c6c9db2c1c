"""Batches in, answers out."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest

from seqtrain.export.reload.exchange import answer
from seqtrain.text.vocabulary import UNK

LABELS = ["odd", "even"]


def test_batches_are_run_as_they_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not put together or sorted by length: their padding is to be what was asked for."""
    batches = [[b"aaa", b"", b"\xff\xe9"], [b"caf\xc3\xa9"]]
    request = json.dumps([[text.decode("latin-1") for text in batch] for batch in batches])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(request.encode())))
    runs = []

    def run(token_ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        runs.append((token_ids.tolist(), lengths.tolist()))
        return np.stack([lengths % 2, 1 - lengths % 2], axis=1).astype(np.float32)

    answer(lambda text: [ord(character) for character in text] or [UNK], run, LABELS)
    assert runs == [
        ([[97, 97, 97], [UNK, 0, 0], [0xFFFD, 0xFFFD, 0]], [3, 1, 2]),
        ([[99, 97, 102, 0xE9]], [4]),
    ]
    probabilities = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert json.loads(capsys.readouterr().out) == {
        "labels": ["odd", "odd", "even", "even"],
        "probabilities": probabilities,
    }
