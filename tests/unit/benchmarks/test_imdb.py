from __future__ import annotations

import gzip
from pathlib import Path

from imdb import Epoch, report, some_of
from protocol import Files


def test_a_subset_has_both_labels_of_sorted_files(tmp_path):
    for split in ("train", "test"):
        lines = [f"{label}\ttext {number}\n" for label in ("neg", "pos") for number in range(50)]
        (tmp_path / f"{split}.tsv.gz").write_bytes(gzip.compress("".join(lines).encode()))
    files = some_of(Files(tmp_path / "train.tsv.gz", 0.1, tmp_path / "test.tsv.gz"), 10, tmp_path)
    assert files.dev == 0.1
    for path in (Path(files.train), files.test):
        labels = [line.partition("\t")[0] for line in path.read_text().splitlines()]
        assert labels == ["neg"] * 5 + ["pos"] * 5


def test_the_report_says_who_got_there_when():
    trainings = {
        "ours": [Epoch(1, 60.0, 0.87, 0.879), Epoch(2, 110.5, 0.89, 0.88), Epoch(3, 160.0, 0.9, 0.89)],
        "theirs": [Epoch(1, 90.25, 0.86, 0.85)],
    }
    assert report(trainings, 0.88) == (
        "from a cold shell  epoch  seconds  dev accuracy  test accuracy\n"
        "ours                   1     60.0        0.8700         0.8790\n"
        "ours                   2    110.5        0.8900         0.8800\n"
        "ours                   3    160.0        0.9000         0.8900\n"
        "theirs                 1     90.2        0.8600         0.8500\n"
        "\n"
        "test accuracy ≥ 88%            after\n"
        "ours                         110.5 s\n"
        "theirs               not within 90 s"
    )
