from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import seqtrain
from seqtrain.run import provenance


def test_versions() -> None:
    versions = provenance.versions()
    assert versions["seqtrain"] == seqtrain.__version__
    assert versions["python"] == platform.python_version()
    assert versions["tensorflow"] == version("tensorflow")
    assert versions.keys() == {"seqtrain", "python", "platform", *provenance.PACKAGES}


@pytest.mark.parametrize("size", [0, 5, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_hash_of_a_file_of_any_size(tmp_path: Path, size: int) -> None:
    content = b"abcde" * (size // 5) + b"x" * (size % 5)
    path = tmp_path / "data.tsv"
    path.write_bytes(content)
    assert provenance.file_hashes([path]) == {str(path): hashlib.sha256(content).hexdigest()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in no git repository."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)  # set when the tests run from a hook
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_no_commit_outside_git(folder: Path) -> None:
    assert provenance.git_commit() is None


def test_no_commit_without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert provenance.git_commit() is None


def test_the_commit_and_whether_files_differ_from_it(folder: Path) -> None:
    git("init", "--quiet")
    assert provenance.git_commit() is None, "there is none yet"
    (folder / "code.py").write_text("1\n")
    git("add", "code.py")
    git("commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message", "first")
    commit = git("rev-parse", "HEAD")
    assert provenance.git_commit() == commit
    (folder / "new.py").touch()
    assert provenance.git_commit() == commit, "what git does not know may lie around"
    (folder / "code.py").write_text("2\n")
    assert provenance.git_commit() == f"{commit}+changes"
