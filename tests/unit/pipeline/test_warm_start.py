"""A new run that begins with the weights of another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from seqtrain.config import Config, config_from
from seqtrain.data.corpus import Corpora
from seqtrain.errors import RunError, UsageError
from seqtrain.pipeline import fit
from seqtrain.pipeline.events import TakenOver
from seqtrain.pipeline.warm_start import take_over
from seqtrain.run import Run
from seqtrain.settings import architecture, trainer
from seqtrain.text.vocabulary import Vocabulary
from seqtrain.training.trainer import Trainer
from tests.project import CONFIG, write_project


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, trained for an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        folder = write_project(tmp_path_factory.mktemp("source"))
        patch.chdir(folder)
        return Run(fit(config("training.epochs=1"), out=folder / "runs" / "source").path)


def config(*overrides: str) -> Config:
    return config_from(yaml.safe_load(CONFIG), overrides)


def corpora(words: list[str], labels: list[str]) -> Corpora:
    vocabulary = Vocabulary(["<pad>", "<unk>", *words], [0] * (len(words) + 2))
    return Corpora(None, None, vocabulary, labels)  # type: ignore[arg-type]


def new_trainer(config: Config, data: Corpora) -> Trainer:
    shape = architecture(config, len(data.vocabulary), len(data.labels))
    return trainer(config, shape, data.vocabulary.counts)


def test_words_and_labels_find_their_weights_and_new_ones_keep_theirs(source: Run) -> None:
    words = [line.split("\t")[0] for line in source.vocabulary().splitlines()]
    data = corpora(["unheard", words[5], words[3]], ["mixed", "pos", "neg"])
    model = new_trainer(config(), data)
    before = model.weights()
    assert take_over(str(source.path), config(), model, data) == TakenOver(
        str(source.path), words=4, labels=2
    )
    old, new = load_file(source.weights_file), model.weights()
    np.testing.assert_array_equal(new["embedding"][[0, 1, 3, 4]], old["embedding"][[0, 1, 5, 3]])
    np.testing.assert_array_equal(new["embedding"][2], before["embedding"][2])
    np.testing.assert_array_equal(new["output.kernel"][:, [2, 1]], old["output.kernel"])
    np.testing.assert_array_equal(new["output.bias"][[2, 1]], old["output.bias"])
    np.testing.assert_array_equal(new["output.kernel"][:, 0], before["output.kernel"][:, 0])
    assert "output.scale" not in new, "the new run fits its own"
    for name in new.keys() - {"embedding", "output.kernel", "output.bias"}:
        np.testing.assert_array_equal(new[name], old[name])


def test_a_fit_begins_with_them(source: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_project(tmp_path))
    cold, warm = (
        fit(config("training.epochs=1", *more), out=f"runs/{name}").path
        for name, more in [("cold", []), ("warm", [f"training.init_from={source.path}"])]
    )
    first = [
        yaml.safe_load((run / "metrics.jsonl").read_text().splitlines()[0])["loss"] for run in (cold, warm)
    ]
    assert first[1] < 0.8 * first[0]
    assert Run(warm).info()["init_from"]["labels"] == 2


@pytest.mark.parametrize("override", ["model.units=4", "model.cell=gru", "model.pooling=max"])
def test_another_network_is_refused(source: Run, override: str) -> None:
    data = corpora(["good"], ["neg", "pos"])
    with pytest.raises(
        UsageError, match=rf"init_from: .* has another network\n  {override.partition('=')[0]}: "
    ):
        take_over(str(source.path), config(override), new_trainer(config(), data), data)


def test_dropout_is_no_part_of_the_network(source: Run) -> None:
    data = corpora(["good"], ["neg", "pos"])
    other = config("model.dropout.words=0.9")
    take_over(str(source.path), other, new_trainer(other, data), data)


@pytest.mark.parametrize("name", ["labels.txt", "vocabulary.tsv", "weights.safetensors"])
def test_a_run_that_was_altered_is_refused(source: Run, name: str) -> None:
    data = corpora(["good"], ["neg", "pos"])
    file = source.path / name
    content = file.read_bytes()
    try:
        file.write_bytes(content.replace(b"neg", b"gen") + b"\n")
        with pytest.raises(RunError, match=f"{name}: is damaged"):
            take_over(str(source.path), config(), new_trainer(config(), data), data)
    finally:
        file.write_bytes(content)


def test_there_is_no_such_run(tmp_path: Path) -> None:
    data = corpora(["good"], ["neg", "pos"])
    with pytest.raises(RunError, match="no such run"):
        take_over(str(tmp_path / "nowhere"), config(), new_trainer(config(), data), data)
