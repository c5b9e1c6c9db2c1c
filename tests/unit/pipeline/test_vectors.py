"""What a fit does with word vectors: found ones go where their words are, others are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from seqtrain.config import config_from
from seqtrain.errors import DataError, RunError, UsageError
from seqtrain.pipeline import fit
from seqtrain.pipeline.vectors import VectorsRead, drawn, put_vectors
from seqtrain.run import Run
from seqtrain.settings import architecture, trainer
from seqtrain.text.vocabulary import Vocabulary
from tests.project import CONFIG, write_project

TOKENS = ["<pad>", "<unk>", "film", "paris", "naught", "rare", "unseen"]
VOCABULARY = Vocabulary(TOKENS, [0, 2, 9, 4, 3, 2, 0])
ROWS = {"film": [0.5, -1.5], "Paris": [3.0, 2.0], "unseen": [-2.0, 4.0], "other": [7.0, 7.0]}
SIZE = 3


class Weights:
    """In place of a Trainer: an embedding of ones, and another weight."""

    def __init__(self, words: int = len(TOKENS)) -> None:
        self.now = {"embedding": np.ones((words, SIZE), np.float32), "output.bias": np.ones(2, np.float32)}

    def weights(self) -> dict[str, np.ndarray]:
        return {name: weight.copy() for name, weight in self.now.items()}

    def set_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        self.now = dict(weights)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in ROWS.items()))
    return path


def put(path: Path, model: Any, vocabulary: Vocabulary = VOCABULARY, seed: int = 1) -> np.ndarray:
    put_vectors(path, model, vocabulary, seed)
    return model.weights()["embedding"]  # type: ignore[no-any-return]


def test_words_get_their_vectors_and_the_rest_stays(path: Path) -> None:
    model = Weights()
    embedding = put(path, model)
    np.testing.assert_array_equal(embedding[[2, 3, 6], :2], [ROWS["film"], ROWS["Paris"], ROWS["unseen"]])
    np.testing.assert_array_equal(embedding[:, 2], 1)
    np.testing.assert_array_equal(embedding[0], 1)
    np.testing.assert_array_equal(model.now["output.bias"], 1)


def test_it_works_on_a_real_model(path: Path) -> None:
    config = config_from(yaml.safe_load(CONFIG))
    model = trainer(config, architecture(config, len(TOKENS), 2), VOCABULARY.counts)
    before = model.weights()
    put_vectors(path, model, VOCABULARY, 1)
    after = model.weights()
    np.testing.assert_array_equal(after["embedding"][3, :2], ROWS["Paris"])
    np.testing.assert_array_equal(after["embedding"][:, 2:], before["embedding"][:, 2:])
    for name in before.keys() - {"embedding"}:
        np.testing.assert_array_equal(after[name], before[name])


def test_what_was_found_is_told(path: Path) -> None:
    assert put_vectors(path, Weights(), VOCABULARY, 1) == VectorsRead(  # type: ignore[arg-type]
        str(path), dimension=2, words=5, exactly=2, by_case=1, by_parts=0, unseen=1, share=13 / 20
    )


WITH_CONTRACTIONS = Vocabulary(
    ["<pad>", "<unk>", "film's", *TOKENS[2:], "naught's"], [0, 2, 6, 9, 4, 3, 2, 0, 4]
)


def test_contractions_get_the_mean_of_their_parts_and_leave_all_others_as_they_were(path: Path) -> None:
    """Bit for bit, those that are drawn as well."""
    with path.open("a") as file:
        file.write("'s 1 0\n")
    before, model = put(path, Weights()), Weights(len(WITH_CONTRACTIONS.tokens))
    read = put_vectors(path, model, WITH_CONTRACTIONS, 1)  # type: ignore[arg-type]
    after = model.weights()["embedding"]
    assert (read.by_parts, read.exactly, read.share) == (1, 2, 19 / 30)
    np.testing.assert_array_equal(after[2, :2], [0.75, -0.75])
    others = [WITH_CONTRACTIONS.tokens.index(token) for token in TOKENS]
    assert after[others].tobytes() == before.tobytes()
    scale = before[4, :2] / drawn("naught", 1, 2)
    np.testing.assert_allclose(after[-1, :2], scale * drawn("naught's", 1, 2), rtol=1e-6)


def test_other_words_are_drawn_at_the_scale_of_those_found(path: Path) -> None:
    scale = np.std([ROWS[word] for word in ("film", "Paris", "unseen")])
    embedding = put(path, Weights())
    for place in (1, 4, 5):
        np.testing.assert_allclose(
            embedding[place, :2], scale * drawn(TOKENS[place], seed=1, size=2), rtol=1e-6
        )


def test_a_drawn_vector_depends_on_word_and_seed_alone(path: Path) -> None:
    other = Vocabulary(["<pad>", "<unk>", "rare", "film", "unseen", "paris"], [0] * 6)
    first, second = put(path, Weights()), put(path, Weights(6), other)
    np.testing.assert_array_equal(first[TOKENS.index("rare")], second[2])
    assert (put(path, Weights(), seed=2)[5, :2] != first[5, :2]).all()
    assert (first[4, :2] != first[5, :2]).all()


def test_draws_are_uniform_with_variance_one() -> None:
    values = np.concatenate([drawn(f"word{number}", 7, 100) for number in range(1000)])
    assert abs(values.mean()) < 0.02  # 6 standard errors
    assert abs(values.std() - 1) < 0.01
    assert np.abs(values).max() < 3**0.5
    tenths = np.histogram(values, bins=10, range=(-(3**0.5), 3**0.5))[0]
    assert np.abs(tenths - 10_000).max() < 600


def test_draws_are_the_same_on_every_machine() -> None:
    golden = [-0.07950144182804281, -1.7073122795112543, 1.1139558013966335]
    np.testing.assert_allclose(drawn("naïve", 1, 3), golden, rtol=1e-12)


def test_longer_vectors_than_the_embeddings_are_refused(path: Path) -> None:
    path.write_text("film 1 2 3 4\n")
    with pytest.raises(UsageError, match=r"has 4 numbers a word, but model\.embedding_size is 3"):
        put(path, Weights())


def test_a_file_without_any_of_the_words_is_refused(path: Path) -> None:
    path.write_text("cinéma 1 2\n")
    with pytest.raises(
        DataError, match="has none of the 5 words of the vocabulary\n  Take vectors for the lang"
    ):
        put(path, Weights())


def test_contractions_alone_give_no_scale(path: Path) -> None:
    path.write_text("film 1 2\n's 3 4\n")
    with pytest.raises(DataError, match="has none of the 1 word of the vocabulary"):
        put(path, Weights(), Vocabulary(["<pad>", "<unk>", "film's"], [0, 0, 1]))


def test_a_damaged_file_leaves_the_model_as_it_was(path: Path) -> None:
    model = Weights()
    with path.open("a") as file:
        file.write("rare 1\n")
    with pytest.raises(DataError, match=r"vectors\.txt:5: has only 1 number where"):
        put(path, model)
    np.testing.assert_array_equal(model.now["embedding"], 1)


def test_a_fit_without_its_file_names_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_project(tmp_path))
    config = config_from(yaml.safe_load(CONFIG), ["model.vectors=no.txt"])
    with pytest.raises(DataError, match=r"^model\.vectors: no\.txt: no such file\n"):
        fit(config, out="runs/none")


def test_a_fit_begins_with_them_and_goes_on_with_no_others(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_project(tmp_path))
    path.write_text("film 1 -1\nscene 2 0.5\nunseen 3 1\nTHE 0 -2\n")
    options = [f"model.vectors={path}", "training.epochs=1", "training.learning_rate=1e-9"]
    config = config_from(yaml.safe_load(CONFIG), options)
    run = Run(fit(config, out="runs/vectors").path)
    words = [line.split("\t")[0] for line in run.vocabulary().splitlines()]
    assert words[-1] == "unseen"
    embedding = load_file(run.weights_file)["embedding"]
    for word, vector in [("film", [1, -1]), ("scene", [2, 0.5]), ("unseen", [3, 1]), ("the", [0, -2])]:
        np.testing.assert_allclose(embedding[words.index(word), :2], vector, atol=1e-5)
    assert run.info()["vectors"]["unseen"] == 1
    path.write_text("film 1 -1\n")
    with pytest.raises(RunError, match=r"vectors\.txt: sha256 "):
        fit(config, out="runs/vectors", resume=True)
    monkeypatch.setattr("seqtrain.pipeline.encoded", lambda *_: pytest.fail("data were encoded first"))
    path.write_text(f"film{' 1' * 17}\n")
    with pytest.raises(UsageError, match=r"Set model\.embedding_size to 17"):
        fit(config, out="runs/other")
