"""`seqtrain fit` with the baseline beside it: what it says and writes, and that it never is in the way."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from seqtrain import baseline, pipeline
from tests.crashes.process import At, Strike, forked

RUN = Path("runs", "reviews")
WON = "baseline  TF-IDF and logistic regression: dev log loss "


def fit(project: Path, *more: str, before: Callable[[], object] | None = None) -> str:
    """What it says of the baseline."""
    result = forked(
        "fit", "configs/reviews.yaml", "--set", "baseline=true", *more, cwd=project, before=before
    )
    assert result.exit_code == 0, result.stderr
    return result.stderr.partition(" min\n")[2] if "left out" not in result.stderr else result.stderr


def figures(project: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((project / RUN / "metrics" / "baseline.json").read_bytes())
    return found


def test_it_is_reported_and_kept(project: Path) -> None:
    said = fit(project)
    found = figures(project)
    assert {"rows", "accuracy", "log_loss", "confusion_matrix", "c", "features", "seconds"} <= found.keys()
    assert said.startswith(f"{WON}{found['log_loss']:.4f} in ")
    dev = json.loads((project / RUN / "metrics" / "dev.json").read_bytes())
    ahead = dev["log_loss"] - found["log_loss"]
    assert ahead > 0.01, "these texts are easy for it"
    assert said.endswith(f"\n          the baseline is ahead by {ahead:.4f}; try model.wide: {{}}\n")


def test_a_run_that_goes_on_gets_it_too(project: Path) -> None:
    """Once: as long as its figures are there, they are taken as they are."""
    struck = Strike(At("seqtrain.training.trainer:Trainer.train_on", 25))
    command = ("fit", "configs/reviews.yaml", "--set", "baseline=true")
    assert forked(*command, cwd=project, before=struck).exit_code == -signal.SIGKILL
    assert fit(project, "--resume").startswith(WON)
    file = project / RUN / "metrics" / "baseline.json"
    file.write_text(json.dumps({**figures(project), "log_loss": 0.1234}))
    assert fit(project, "--resume", "--set", "training.epochs=3").startswith(f"{WON}0.1234 in ")


def crash() -> None:
    baseline._code = lambda: "raise MemoryError"


def limit_tokens() -> None:
    pipeline.MOST_TOKENS = 1000


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (crash, "baseline  failed: MemoryError\n"),
        (limit_tokens, "baseline  left out: # training tokens are more than #\n"),
    ],
)
def test_a_fit_without_it_is_a_fit(project: Path, before: Callable[[], None], line: str) -> None:
    assert line in re.sub(r"\d[\d,]*", "#", fit(project, before=before))
    assert not (project / RUN / "metrics" / "baseline.json").exists()
    assert (project / RUN / "model.onnx").exists()
