"""Answers from a Keras export in a process of its own, which `seqtrain.export.fresh` starts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    sys.path.append(str(Path(__file__).parents[3]))  # where the package is, if it is not installed
    # As in seqtrain.export.keras_model, which wrote it.
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull}
    import keras

    from seqtrain.export.reload.exchange import answer
    from seqtrain.text.tokenizer import Tokenizer
    from seqtrain.text.vocabulary import Vocabulary

    folder = Path(sys.argv[1])
    model = keras.models.load_model(folder / "model.keras", safe_mode=True, compile=False)
    rules, decision = (_json(folder / name) for name in ("tokenizer.json", "decision.json"))
    tokenizer = Tokenizer.from_rule(rules["rule"])
    tokens, labels = (_lines(folder / name) for name in ("vocabulary.txt", "labels.txt"))
    vocabulary = Vocabulary(tokens, counts=[0] * len(tokens))
    answer(
        lambda text: vocabulary.encode(tokenizer(text)),
        lambda token_ids, _: model.predict_on_batch(token_ids),
        labels,
        decision and decision["threshold"],
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _lines(path: Path) -> list[str]:
    # Not splitlines, which also splits at U+2028.
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")


if __name__ == "__main__":
    main()
