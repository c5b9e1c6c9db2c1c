from __future__ import annotations

import sys
from pathlib import Path

import commands
import numpy as np
import pytest

from seqtrain.config import load_config
from seqtrain.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer("word", lowercase=True, max_length=400, truncate="head")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "TRAIN_ROWS", 40)
    monkeypatch.setattr(commands, "TEST_ROWS", 10)
    commands.write_data(tmp_path)
    return tmp_path


def test_the_config_names_texts_of_both_labels(folder):
    data = load_config(folder / "config.yaml").data
    for path, rows in ((data.train, 40), (data.test, 10)):
        lines = [line.split("\t") for line in Path(path).read_text().splitlines()]
        assert len(lines) == rows
        assert {label for label, _ in lines} == set(commands.LABELS)


def test_the_encoded_ids_are_those_of_the_texts(folder):
    """A word is one token; the default config would cut some texts and not know some words."""
    ids = np.load(folder / "ids.npz")
    for row, line in enumerate((folder / "train.tsv").read_text().splitlines()):
        label, text = line.split("\t")
        numbers = [int(token.removeprefix("w")) for token in TOKENIZER(text)]
        expected = [number if number < 30_000 else 1 for number in numbers]
        assert ids["token_ids"][ids["offsets"][row] : ids["offsets"][row + 1]].tolist() == expected
        assert commands.LABELS[ids["labels"][row]] == label
    lengths = np.diff(ids["offsets"])
    assert lengths.max() == 400
    assert (ids["token_ids"] == 1).any()


def test_the_share_is_that_of_the_same_rounds():
    assert commands.share([1.0, 2.0, 9.0], [2.0, 2.0, 10.0]) == "0.90 of the bare loop"


def test_the_peak_is_that_of_the_process_in_megabytes():
    """And not that of the process that measures."""
    peak = commands.peak_memory([sys.executable, "-S", "-c", "print(len(b'x' * 50_000_000))"])
    assert 50 < peak < 80
