"""Encoded data: what they depend on, where they are kept, and what becomes of rejected rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from seqtrain.config import Config, config_from
from seqtrain.errors import DataError
from seqtrain.pipeline import corpora as module
from seqtrain.pipeline.corpora import DataFiles, Rows, encoded
from seqtrain.run import Run
from seqtrain.settings import data_files
from tests.project import CONFIG, write_project


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The folders that data were encoded into."""
    folders: list[Path] = []
    build = module.build_corpora

    def counted(*arguments, **keywords):
        folders.append(arguments[2])
        return build(*arguments, **keywords)

    monkeypatch.setattr(module, "build_corpora", counted)
    return folders


def config(*overrides: str) -> Config:
    return config_from(yaml.safe_load(CONFIG), overrides)


def encode(config: Config, run: str = "runs/a") -> Rows:
    """Encodes for a run and returns what became of the rows."""
    os.makedirs(run, exist_ok=True)
    files = DataFiles(data_files(config))
    with encoded(config, Run(run), Path(run), files) as (corpora, rows, _):
        assert len(corpora.train) + len(corpora.dev) == int(rows.summary.split()[0])
    return rows


def test_data_are_encoded_once_for_all_runs_beside_each_other(builds: list[Path]) -> None:
    assert not encode(config()).reused
    assert encode(config(), "runs/b").reused
    assert encode(config("training.seed=2", "data.test=train.tsv"), "runs/c").reused
    assert encode(config("model.units=3"), "runs/d").reused
    assert len(builds) == 1
    assert set(os.listdir("runs")) == {".corpora", "a", "b", "c", "d"}


def test_other_content_under_the_same_name_is_encoded_anew(builds: list[Path]) -> None:
    encode(config())
    with open("train.tsv", "a") as file:
        file.write("pos\tone more\n")
    assert not encode(config()).reused
    assert not encode(config("tokenizer.lowercase=false")).reused
    assert len(builds) == 3


def test_other_vectors_give_other_words_if_they_give_any(builds: list[Path]) -> None:
    def with_vectors(content: str, *overrides: str) -> Rows:
        Path("v.txt").write_text(content)
        return encode(config("model.vectors=v.txt", *overrides))

    assert not with_vectors("unheard 1\n").reused
    assert with_vectors("unheard 1\n").reused
    assert not with_vectors("unheard 2\n").reused
    assert not with_vectors("unheard 2\n", "vocabulary.from_vectors=0").reused
    assert with_vectors("unheard 3\n", "vocabulary.from_vectors=0").reused
    assert encode(config()).reused
    assert len(builds) == 3


def test_nothing_is_kept_if_so_configured(builds: list[Path]) -> None:
    for _ in range(2):
        assert not encode(config("data.cache=false")).reused
    assert len(builds) == 2
    assert os.listdir("runs") == ["a"]
    assert os.listdir("runs/a") == []


def test_skipped_rows_stand_in_the_run_whether_or_not_it_was_this_one_that_read_them() -> None:
    with open("train.tsv", "a") as file:
        file.write("pos\n\ttext without a label\n")
    with pytest.raises(DataError, match="2 of 402 rows cannot be used"):
        encode(config())
    for run in ("runs/a", "runs/b"):
        rows = encode(config("data.bad_rows=skip"), run)
        assert rows.summary == "400 rows used, 2 rejected: 1 missing column, 1 empty label"
        assert len(rows.listing) == 2
        header, *lines = Path(run, "rejected.tsv").read_text().splitlines()
        assert header == "file\tline\treason\trow"
        assert [line.split("\t")[1] for line in lines] == ["401", "402"]
    assert rows.reused


def test_without_bad_rows_the_file_has_its_header_alone() -> None:
    assert encode(config("data.bad_rows=skip")).summary == "400 rows used, 0 rejected"
    assert Path("runs/a/rejected.tsv").read_text().count("\n") == 1
    encode(config(), "runs/b")
    assert not Path("runs/b/rejected.tsv").exists()


def test_a_file_that_changes_while_it_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    build = module.build_corpora

    def disturbed(*arguments, **keywords):
        with open("train.tsv", "a") as file:
            file.write("pos\tone more\n")
        return build(*arguments, **keywords)

    monkeypatch.setattr(module, "build_corpora", disturbed)
    with pytest.raises(DataError, match=r"train\.tsv: has changed while it was read"):
        encode(config())
    monkeypatch.setattr(module, "build_corpora", build)
    assert not encode(config()).reused, "nothing of it was kept"


def test_a_pipe_is_refused_without_waiting_for_its_writer() -> None:
    os.unlink("test.tsv")
    os.mkfifo("test.tsv")
    with pytest.raises(DataError, match=r"test\.tsv: is no regular file"):
        encode(config())
