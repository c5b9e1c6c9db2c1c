"""Readers of model.onnx outside the package agree with `seqtrain predict`, and docs/formats.md says what they need.

The one in JavaScript is tried where `npm install` has been run in examples/node.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqtrain.data.reader import read_stream
from seqtrain.evaluation.decision import decided
from seqtrain.inference.metadata import Decision, model_metadata
from seqtrain.inference.predictor import Predictor
from seqtrain.inference.quantization import quantized
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer, word_rule
from seqtrain.text.vocabulary import SPECIAL, Vocabulary
from tests.cli.command import Result, call, python, seqtrain
from tests.cli.conftest import Fitted
from tests.onnx_models import CARD, LABELS, model_bytes, random_weights
from tests.shapes import POOLINGS, Shape
from tests.unit.text.reference import texts as tricky_texts

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "python" / "predict.py"
NODE = ROOT / "examples" / "node"
FORMATS = (ROOT / "docs" / "formats.md").read_text("utf-8")
LAST_DIGIT = 1.01e-4  # answers differ by 1e-6, printed ones by a step of the last of four digits

TEXTS = [
    *("", " ", "\t\x0b\u2028", "a", "a\rb", "A joy to watch!", "3.5 １２３ ½ ²", "<pad>", "<unk> <pad>"),
    *("Don’t stop ’til rock’n’roll dogs’ 'tis", "constructor __proto__", " ".join(["long"] * 40), "x" * 3000),
    *("映画は面白い カー ｶﾞ", "ไม่ดี ๒๕", "बहुत अच्छी फ़िल्म", "Очень ПЛОХО", "غير جيّد\u200c ها", "못 한국어"),
    *("ΣΟΦΟΣ İstanbul ıI ß ﬁne", "naïve nai\u0308ve e\u0301\u0302\u0303", "\u0301\u0302 a", "\ufdfa ´a´ ¨"),
    *("😀👩🏽\u200d🚀🇫🇷☺\ufe0f", "a\ufeffb\xadc\u200bd\u202ee", "\ufffd \U000e0001 \U0001fae0 \u0378"),
    *("bell\x07 esc\x1b[2J nel\x85x\x7f", "zero\u200d width\u2060"),
]
STDIN = "".join(f"{text}\n" for text in TEXTS).encode()
NO_UTF_8 = (
    b"caf\xe9 ole\r\n\xff\xfe\n\xe2\x82 \xe2\x82\xac\n\xed\xa0\xbd\xed\xb8\x80\n\xc0\x80 \xf0\x9f\x98\n\x80"
)


@dataclass(frozen=True)
class Case:
    """A model to read: its tokenizer, its shape, whether its embedding is in int8, and whether it has a threshold."""

    kind: str
    lowercase: bool
    truncate: str
    shape: Shape
    int8: bool = False
    decides: bool = False

    def __str__(self) -> str:
        name = f"{self.kind}-{self.lowercase}-{self.truncate}-{self.shape}{'-int8' * self.int8}"
        return name + "-decided" * self.decides

    def model(self) -> bytes:
        """It knows three quarters of the words in TEXTS; a threshold gives half of them each label."""
        if not self.decides:
            return self._model(LABELS)
        of_second = Predictor(self._model(LABELS[:2]), threads=1).probabilities(TEXTS)[:, 1]
        low, *_, high = sorted(np.float64(of_second))[len(TEXTS) // 2 - 1 : len(TEXTS) // 2 + 1]
        return self._model(LABELS[:2], Decision((low + high) / 2, "accuracy"))

    def _model(self, labels: list[str], decision: Decision | None = None) -> bytes:
        tokenizer = Tokenizer(self.kind, self.lowercase, 11, self.truncate)
        found = {token for text in TEXTS for token in TOKENIZERS[self.kind](text, self.lowercase)}
        words = [word for index, word in enumerate(sorted(found - set(SPECIAL))) if index % 4]
        vocabulary = Vocabulary([*SPECIAL, *words], [0] * (len(SPECIAL) + len(words)))
        embedding = np.random.default_rng(1).normal(size=(len(vocabulary), 5))
        metadata = model_metadata(labels, vocabulary, tokenizer, CARD, decision)
        weights = random_weights(self.shape)
        columns = {name: weights[name][..., : len(labels)] for name in ("output.kernel", "output.bias")}
        model = model_bytes(self.shape, metadata, embedding=embedding, **columns)
        return quantized(model, "the model") if self.int8 else model


CASES = [
    Case("word", True, "middle", Shape()),
    Case("word", False, "head", Shape("gru", ("max",))),
    Case("word", True, "tail", Shape("rnn", ("last",), bidirectional=False)),
    Case("whitespace", True, "tail", Shape("gru", ("attention",))),
    Case("whitespace", False, "middle", Shape("lstm", POOLINGS, layers=2)),
    Case("whitespace", False, "head", Shape(), int8=True),
    Case("char", True, "middle", Shape("rnn", ("mean", "last"))),
    Case("char", False, "head", Shape("lstm", ("max",))),
    Case("char", True, "head", Shape(), decides=True),
]


def script() -> Any:
    """The example, imported."""
    specification = importlib.util.spec_from_file_location("predict_example", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


predict_example = script()


@pytest.fixture(params=CASES, ids=str)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder that holds nothing but the model and the script."""
    (tmp_path / "model.onnx").write_bytes(request.param.model())
    shutil.copy(SCRIPT, tmp_path)
    return tmp_path


def by_script(folder: Path, stdin: bytes) -> Result:
    return python("-I", "predict.py", "model.onnx", cwd=folder, stdin=stdin)


def assert_same_answers(got: Result, expected: Result, count: int) -> None:
    """As many records as expected, with the same labels and probabilities, and not all of them alike."""
    assert got.exit_code == expected.exit_code == 0, got.stderr + expected.stderr
    got_rows, rows = ([line.split("\t") for line in result.stdout.splitlines()] for result in (got, expected))
    assert len(rows) == count
    assert [label for label, _ in got_rows] == [label for label, _ in rows]
    assert all(re.fullmatch(r"[01]\.\d{4}", probability) for _, probability in got_rows)
    probabilities = [[float(probability) for _, probability in some] for some in (got_rows, rows)]
    np.testing.assert_allclose(*probabilities, rtol=0, atol=LAST_DIGIT)
    assert len(set(probabilities[1])) > count / 3


def test_a_threshold_of_a_model_matters_to_what_is_compared() -> None:
    model = Predictor(CASES[-1].model(), threads=1)
    probabilities = model.probabilities(TEXTS)
    answers = decided(probabilities, model.threshold)
    assert 2 * answers.sum() == len(TEXTS)
    assert answers.tolist() != probabilities.argmax(axis=1).tolist()


def test_the_python_example_answers_as_predict_does(folder: Path) -> None:
    expected = seqtrain("predict", "--run", "model.onnx", cwd=folder, stdin=STDIN)
    assert_same_answers(by_script(folder, STDIN), expected, len(TEXTS))


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules").is_dir(),
    reason="needs Node 20 and `npm install --ignore-scripts` in examples/node",
)
def test_the_node_example_answers_as_the_python_example_does(folder: Path) -> None:
    stdin = STDIN + NO_UTF_8
    got = call(["node", str(NODE / "predict.mjs"), "model.onnx"], cwd=folder, stdin=stdin)
    assert_same_answers(got, by_script(folder, stdin), len(TEXTS) + NO_UTF_8.count(b"\n") + 1)


def test_the_python_example_needs_numpy_and_onnxruntime_alone() -> None:
    nodes = list(ast.walk(ast.parse(SCRIPT.read_text("utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    packages = {name.split(".")[0] for name in names}
    assert packages - sys.stdlib_module_names == {"numpy", "onnxruntime"}


def test_the_node_example_pins_what_it_needs() -> None:
    dependencies = json.loads((NODE / "package.json").read_text())["dependencies"]
    assert list(dependencies) == ["onnxruntime-web"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", dependencies["onnxruntime-web"])


@given(
    kind=st.sampled_from(list(TOKENIZERS)),
    lowercase=st.booleans(),
    max_length=st.integers(1, 12),
    truncate=st.sampled_from(list(TRUNCATIONS)),
    text=tricky_texts | st.text(st.characters(codec=None)),
)
@example("word", True, 12, "head", "a\ud800\udc00\udc80'b")  # a pair as two halves stays two
def test_the_example_cuts_texts_as_seqtrain_does(
    kind: str, lowercase: bool, max_length: int, truncate: str, text: str
) -> None:
    tokenizer = Tokenizer(kind, lowercase, max_length, truncate)
    assert predict_example.Tokenizer(tokenizer.rule(), json.loads(word_rule()))(text) == tokenizer(text)


@given(st.lists(st.sampled_from(["\n", "\r", "\r\n", "\x85", "\u2028", "\x0c", "é", "a b"])).map("".join))
def test_the_example_cuts_lines_as_seqtrain_does(content: str) -> None:
    rows = read_stream(io.BytesIO(content.encode()), "-", max_line_bytes=1000, remedy="")
    assert list(predict_example.lines(io.BytesIO(content.encode()))) == [row.text for row in rows]


def test_bytes_that_are_no_text_become_as_many_signs_as_documented() -> None:
    assert "`E2 82 7A FF` has three code points" in FORMATS
    assert list(predict_example.lines([b"\xe2\x82\x7a\xff\r\n"])) == ["\ufffdz\ufffd"]


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    content = CASES[0].model()
    (tmp_path / "model.onnx").write_bytes(content.replace(b'"format":5', b'"format":6'))
    shutil.copy(SCRIPT, tmp_path)
    assert by_script(tmp_path, b"a\n") == Result(
        1, "", "predict.py cannot read this model: its format is 6, not 5\n"
    )


def section(title: str) -> str:
    """A section of docs/formats.md."""
    return FORMATS.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def documented_json() -> list[Any]:
    """The examples of the section on model.onnx: metadata, and a text that becomes ids."""
    return [json.loads(block) for block in re.findall("```json\n(.*?)```", section("model.onnx"), re.DOTALL)]


def keys(value: Any, place: str = "") -> set[str]:
    """All keys of an object and of those in it, such as `card.metrics`."""
    if not isinstance(value, dict):
        return set()
    return {place + key for key in value} | {
        inner for key in value for inner in keys(value[key], f"{place}{key}.")
    }


def test_the_documented_metadata_have_the_keys_of_a_real_file(fitted: Fitted) -> None:
    session = onnxruntime.InferenceSession(fitted.run / "model.onnx")
    entries = session.get_modelmeta().custom_metadata_map
    assert set(entries) == {"seqtrain", "word_rule"}
    example, _ = documented_json()
    assert keys(example) == keys(json.loads(entries["seqtrain"]))


def test_every_key_is_explained() -> None:
    names = [*documented_json()[0], *json.loads(word_rule())]
    explained = set(re.findall("`([^`\n]+)`", section("model.onnx") + section("The tokenizer's rule")))
    metrics = "card.metrics.dev."
    expected = {key.removeprefix(metrics) for key in keys(documented_json()[0])} | set(names)
    assert expected - {"card.metrics.dev"} <= explained


def test_the_documented_text_becomes_the_documented_ids() -> None:
    metadata, text = documented_json()
    rule = json.loads(word_rule())
    everything = predict_example.Tokenizer({**metadata["tokenizer"], "max_length": 99}, rule)
    assert everything(text["text"]) == text["tokens"]
    assert predict_example.Tokenizer(metadata["tokenizer"], rule)(text["text"]) == text["kept"]
    known = Vocabulary(metadata["vocabulary"], [0] * len(metadata["vocabulary"]))
    assert known.encode(text["kept"]) == text["token_ids"]


def test_the_documented_tokens_are_those_of_the_rule() -> None:
    rows = re.findall(
        r"^\| `(word|whitespace|char)` \| `(.*?)` \| (.*) \|$", section("The tokenizer's rule"), re.M
    )
    assert len(rows) == 4
    for kind, text, tokens in rows:
        assert TOKENIZERS[kind](text, True) == re.findall("`([^`]+)`", tokens)
