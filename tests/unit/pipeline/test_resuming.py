"""What may change between the parts of a run, and what not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.config import Config, config_from, resolved
from seqtrain.errors import RunError
from seqtrain.pipeline.resuming import Change, changes, resumption
from seqtrain.run import Run
from seqtrain.run.atomic import write_json

DATA = {"train": "train.tsv", "dev": 0.1}
SHA256 = {"train.tsv": "ab" * 32}


def config(*overrides: str) -> Config:
    return config_from({"data": DATA}, overrides)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path)
    write_json(run.info_file, {"status": "interrupted", "data_sha256": SHA256})
    run.config_file.write_text(resolved(config()))
    return run


nested = st.recursive(
    st.integers(0, 3),
    lambda values: st.dictionaries(st.sampled_from("abc"), values, min_size=1),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


@given(nested, nested)
@settings(deadline=None)
def test_nothing_changed_if_and_only_if_the_values_are_the_same(old, new) -> None:
    assert (changes(old, new) == []) == (old == new)
    assert (changes(new, old) and changes(old, new)) or old == new


def test_the_same_again(run: Run) -> None:
    resumed = resumption(run, config(), SHA256)
    assert (resumed.status, resumed.more_epochs, resumed.others) == ("interrupted", None, [])
    assert not resumed.is_done


def test_how_training_is_done_may_change(run: Run) -> None:
    resumed = resumption(run, config("training.threads=1", "training.checkpoint_minutes=1"), SHA256)
    assert [str(change) for change in resumed.others] == [
        "training.checkpoint_minutes: 5.0 → 1.0",
        "training.threads: null → 1",
    ]


def test_more_epochs_go_on_with_a_finished_run(run: Run) -> None:
    run.update_info(status="finished")
    assert resumption(run, config(), SHA256).is_done
    resumed = resumption(run, config("training.epochs=9"), SHA256)
    assert resumed.more_epochs == Change("training.epochs", 5, 9)
    assert not resumed.is_done


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["training.epochs=4"], ["training.epochs: 5 → 4"]),
        (["training.seed=2", "model.cell=gru"], ["model.cell: 'lstm' → 'gru'", "training.seed: 1 → 2"]),
        (["data.dev=dev.tsv"], ["data.dev: 0.1 → 'dev.tsv'"]),
        (["data.columns.text=0", "data.columns.label=1"], ["data.columns.label: null → 1"]),
    ],
)
def test_all_else_is_refused_with_a_diff(run: Run, overrides: list[str], lines: list[str]) -> None:
    with pytest.raises(RunError) as caught:
        resumption(run, config(*overrides), SHA256)
    for line in lines:
        assert f"\n  {line}\n" in str(caught.value)


@pytest.mark.parametrize(
    ("sha256", "line"),
    [
        ({"train.tsv": "cd" * 32}, "train.tsv: sha256 abababababab… → cdcdcdcdcdcd…"),
        ({}, "train.tsv: sha256 abababababab… → none…"),
        ({**SHA256, "more.tsv": "cd" * 32}, "more.tsv: sha256 none… → cdcdcdcdcdcd…"),
    ],
)
def test_so_are_other_data(run: Run, sha256: dict[str, str], line: str) -> None:
    with pytest.raises(RunError, match="because of what has changed") as caught:
        resumption(run, config(), sha256)
    assert line in str(caught.value)


def test_a_run_that_was_killed_before_it_knew_its_data_has_nothing_to_compare(tmp_path: Path) -> None:
    run = Run(tmp_path)
    write_json(run.info_file, {"status": "running"})
    assert resumption(run, config("training.seed=9"), SHA256).status == "running"


@pytest.mark.parametrize("damage", [{"data_sha256": [1]}, {"data_sha256": {"train.tsv": 3}}, {"status": []}])
def test_a_hostile_run_json_is_a_run_error(run: Run, damage: dict[str, object]) -> None:
    run.update_info(**damage)
    with pytest.raises(RunError):
        resumption(run, config(), SHA256)
