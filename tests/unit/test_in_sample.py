"""Which files a run was fitted to, found out of nothing but its config and what it says of its data."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seqtrain.config import load_config
from seqtrain.in_sample import fitted_to
from seqtrain.run import Run
from seqtrain.run.provenance import file_hashes
from seqtrain.settings import data_files

CONTENT = {"train/a.tsv": "a", "train/b.tsv": "b", "dev.tsv": "d", "test.tsv": "t", "words.vec": "v"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the data of a run and a copy of each of them."""
    monkeypatch.chdir(tmp_path)
    Path("train").mkdir()
    Path("copies").mkdir()
    for name, content in CONTENT.items():
        Path(name).write_text(content)
        copy(name).write_text(content)
    return tmp_path


def copy(name: str) -> Path:
    return Path("copies", Path(name).with_suffix(".copy").name)


def run(data: str, start: Path | None = None) -> Run:
    """What a fit in the current folder knows of its data, in a folder `run`."""
    run = Run("run")
    run.path.mkdir()
    run.config_file.write_text(f"data: {{{data}}}\nmodel: {{vectors: words.vec}}\n")
    hashes = file_hashes(data_files(load_config(run.config_file)))
    info = {"start_folder": str(start or Path.cwd()), "data_sha256": hashes}
    run.info_file.write_text(json.dumps(info))
    return run


FILES = "train: train/*.tsv, dev: dev.tsv, test: test.tsv"
OF_FILES = {"train/a.tsv": "train", "train/b.tsv": "train", "dev.tsv": "dev"}
DATA = {
    FILES: OF_FILES,
    "train: ['**/[ab].tsv'], dev: [./dev.tsv], test: test.tsv": OF_FILES,
    "train: train/*.tsv, dev: 0.5, test: '*.tsv'": {"train/a.tsv": "train", "train/b.tsv": "train"},
    "train: train/a.tsv, dev: train/b.tsv, test: train/b.tsv": {"train/a.tsv": "train", "train/b.tsv": "dev"},
    "train: train/a.tsv, dev: train/a.tsv": {"train/a.tsv": "train"},
}


@pytest.mark.parametrize("data", DATA)
def test_files_of_train_and_dev_are_known_by_their_bytes(data: str, folder: Path) -> None:
    """Test files are not, unless they are files of dev, too; nor are word vectors."""
    trained = run(data)
    assert fitted_to(trained, list(map(copy, CONTENT))) == {
        copy(name): split for name, split in DATA[data].items()
    }
    copy("dev.tsv").write_text("d2")
    assert copy("dev.tsv") not in fitted_to(trained, ["copies/*"])


def test_the_test_split_may_be_one_of_them(folder: Path) -> None:
    trained = run(FILES)
    assert fitted_to(trained) == {}
    Path("dev.tsv").write_text("new")
    Path("test.tsv").write_text("d")
    assert fitted_to(trained) == {Path("test.tsv"): "dev"}, "as it was when the run was trained"


@pytest.mark.parametrize("data", [FILES, FILES.replace("test.tsv", "'t*t.tsv'")])
def test_names_start_where_the_run_was_trained(
    data: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data)
    Path("test.tsv").write_text("a")
    monkeypatch.chdir("copies")
    trained = Run(folder / "run")
    assert fitted_to(trained) == {folder / "test.tsv": "train"}
    assert fitted_to(trained, ["dev.copy"]) == {Path("dev.copy"): "dev"}


def test_named_files_may_be_gone(folder: Path) -> None:
    trained = run(FILES)
    Path("dev.tsv").unlink()
    assert fitted_to(trained, [copy("dev.tsv")]) == {copy("dev.tsv"): "dev"}


def test_what_cannot_be_hashed_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = run(FILES)
    os.mkfifo("pipe.tsv")  # reading it would wait for ever
    assert fitted_to(trained, ["pipe.tsv", "copies/a.copy"]) == {Path("copies/a.copy"): "train"}

    def unreadable(path: Path) -> str:
        raise PermissionError(path)

    monkeypatch.setattr("seqtrain.in_sample.sha256", unreadable)
    assert fitted_to(trained, ["copies/a.copy"]) == {}


def test_a_run_that_says_nothing_of_its_data(folder: Path) -> None:
    trained = run(FILES)
    trained.info_file.write_text("{}")
    assert fitted_to(trained, ["copies/*"]) == {}
    trained.info_file.write_text(json.dumps({"data_sha256": {"dev.tsv": ["forged"]}}))
    assert fitted_to(trained, ["copies/*"]) == {}
