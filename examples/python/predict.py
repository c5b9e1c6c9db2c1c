"""Labels texts with a model.onnx of seqtrain's, by docs/formats.md: without seqtrain, with numpy and onnxruntime alone.

    python predict.py model.onnx < texts

Standard input has a text a line, in UTF-8. Each gives a line on standard output, in the same order: its label, a tab,
the label's probability. Written to be read, and to be ported to other languages.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime

FORMAT, RULE_VERSION = 5, 1  # of the metadata, and of the tokenizer's rule
UNK = 1  # the ids 0 and 1 are <pad> and <unk>, which stand for no word of a text
BATCH = 32  # texts that the model gets together; another number gives the same answers


class Model:
    """A model file, opened: its metadata, and its graph in a session of ONNX Runtime."""

    def __init__(self, content: bytes) -> None:
        self.session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        entries = self.session.get_modelmeta().custom_metadata_map
        metadata = json.loads(entries["seqtrain"])
        require(metadata["format"] == FORMAT, f"its format is {metadata['format']}, not {FORMAT}")
        self.labels, self.decision = metadata["labels"], metadata["decision"]
        self.ids = {
            token: token_id for token_id, token in enumerate(metadata["vocabulary"]) if token_id > UNK
        }
        self.tokenize = Tokenizer(metadata["tokenizer"], json.loads(entries["word_rule"]))

    def token_ids(self, text: str) -> list[int]:
        """The ids of a text's tokens, at least one."""
        return [self.ids.get(token, UNK) for token in self.tokenize(text)] or [UNK]

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """<float32>[texts, labels]; the texts are padded to the length of the longest."""
        rows = [self.token_ids(text) for text in texts]
        lengths = np.array([len(row) for row in rows], np.int32)
        padded = np.zeros((len(rows), lengths.max()), np.int32)
        for index, row in enumerate(rows):
            padded[index, : len(row)] = row
        return self.session.run(["probabilities"], {"token_ids": padded, "lengths": lengths})[0]

    def answer(self, probabilities: np.ndarray) -> int:
        """The number of a text's label, from its probabilities [labels]."""
        if self.decision is None:
            return int(probabilities.argmax())
        return int(float(probabilities[1]) >= self.decision["threshold"])  # float: compared as a double


class Tokenizer:
    """Cuts a text into tokens.

    settings: the object `tokenizer` of the metadata; rule: the entry `word_rule`.
    """

    def __init__(self, settings: dict, rule: dict) -> None:
        require(settings["version"] == rule["version"] == RULE_VERSION, "its tokenizer follows another rule")
        self.settings, self.rule = settings, rule
        self.separator = re.compile(f"[{rule['Z']}]")
        self.token = re.compile(re.sub("{(.)}", lambda name: rule[name[1]], rule["pattern"]))

    def __call__(self, text: str) -> list[str]:
        """At most `max_length` tokens; none for a text that has none."""
        kinds = {"word": self.word, "whitespace": self.whitespace, "char": self.char}
        return self.truncated(kinds[self.settings["kind"]](text))

    def word(self, text: str) -> list[str]:
        return self.token.findall(self.mapped(text))

    def whitespace(self, text: str) -> list[str]:
        runs = self.separator.split(text)  # of the text as it came; what is mapped may hold new separators
        tokens = [self.separator.sub("", self.mapped(run)) for run in runs]
        return [token for token in tokens if token]

    def char(self, text: str) -> list[str]:
        return list(self.separator.sub(" ", self.mapped(text)))

    def mapped(self, text: str) -> str:
        """The text with each code point replaced on its own."""
        whole = re.sub("[\ud800-\udfff]", "\ufffd", text)  # Python's texts may hold halves of pairs
        result = "".join(self.rule["replace"].get(character, character) for character in whole)
        if self.settings["lowercase"]:
            result = "".join(self.rule["lower"].get(character, character) for character in result)
        return result

    def truncated(self, tokens: list[str]) -> list[str]:
        most = self.settings["max_length"]
        if len(tokens) <= most:
            return tokens
        first = {"head": most, "tail": 0, "middle": most - most // 2}[self.settings["truncate"]]
        return tokens[:first] + tokens[len(tokens) - (most - first) :]


def require(condition: bool, problem: str) -> None:
    if not condition:
        sys.exit(f"predict.py cannot read this model: {problem}")


def lines(stream: Iterable[bytes]) -> Iterator[str]:
    """The texts of a stream; LF and CRLF end a line, and nothing else does."""
    for line in stream:
        end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
        yield line.removesuffix(end).decode(errors="replace")


def main() -> None:
    model = Model(Path(sys.argv[1]).read_bytes())
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    texts = lines(sys.stdin.buffer)
    while batch := list(islice(texts, BATCH)):
        for row in model.probabilities(batch):
            answer = model.answer(row)
            print(f"{model.labels[answer]}\t{row[answer]:.4f}")


if __name__ == "__main__":
    main()
