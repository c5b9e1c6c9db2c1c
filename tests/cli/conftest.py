from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Result, seqtrain, tree
from tests.project import write_project


@dataclass(frozen=True)
class Fitted:
    """A project after `seqtrain fit`: what the command answered, and the run as it then stood."""

    folder: Path
    run: Path
    result: Result
    files: dict[str, bytes | None] = field(repr=False)

    def dev_metrics(self) -> Any:
        content = self.files["metrics/dev.json"]
        assert content is not None
        return json.loads(content)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without a run."""
    return write_project(tmp_path)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """The one run that all tests share; those that change anything work on a copy."""
    folder = write_project(tmp_path_factory.mktemp("project"))
    result = seqtrain("fit", "configs/reviews.yaml", cwd=folder)
    assert result.exit_code == 0, result.stderr
    run = folder / "runs" / "reviews"
    return Fitted(folder, run, result, tree(run))
