from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from seqtrain.errors import RunError
from seqtrain.run import atomic
from seqtrain.run.atomic import (
    atomic_folder,
    atomic_link,
    atomic_write,
    restore_replaced,
    write_json,
    writing,
)


class PowerLoss(BaseException):
    """Ends the writing process on the spot, as far as a test can."""


def record(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The order of the calls that decide what is on the disk after a power loss, with the names they work on."""
    calls: list[tuple[str, str]] = []

    def recorded(name: str, what: str) -> None:
        original = getattr(os, what)

        def call(*arguments: object) -> object:
            calls.append((name, " → ".join(Path(str(each)).name for each in arguments)))
            return original(*arguments)

        monkeypatch.setattr(os, what, call)

    recorded("rename", "rename")
    recorded("rename", "replace")
    original_sync = atomic.sync
    monkeypatch.setattr(atomic, "sync", lambda path: (calls.append(("sync", path.name)), original_sync(path)))
    return calls


def test_a_file_is_synced_before_it_is_renamed_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record(monkeypatch)
    atomic_write(tmp_path / "run.json", b"{}")
    assert calls == [
        ("sync", "run.json.tmp"),
        ("rename", "run.json.tmp → run.json"),
        ("sync", tmp_path.name),
    ]


def test_a_folder_is_synced_from_the_files_up_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record(monkeypatch)
    with atomic_folder(tmp_path / "step-000400") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "state").write_bytes(b"1")
    assert calls == [
        ("sync", "state"),
        ("sync", "inner"),
        ("sync", "step-000400.tmp"),
        ("rename", "step-000400.tmp → step-000400"),
        ("sync", tmp_path.name),
    ]
    assert (tmp_path / "step-000400" / "inner" / "state").read_bytes() == b"1"


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
def test_a_failed_write_leaves_the_old_content_and_nothing_else(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "labels.txt"
    atomic_write(target, b"old")

    def fail(*arguments: object) -> None:
        raise PowerLoss

    monkeypatch.setattr(Path if failing == "write_bytes" else os, failing, fail)
    with pytest.raises(PowerLoss):
        atomic_write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_whose_block_fails_is_not_there(tmp_path: Path) -> None:
    def write_half(target: Path) -> None:
        with atomic_folder(target) as folder:
            (folder / "state").write_bytes(b"half")
            raise PowerLoss

    with pytest.raises(PowerLoss):
        write_half(tmp_path / "step-000400")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_of_a_folder_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "step-000400.tmp").mkdir()
    (tmp_path / "step-000400.tmp" / "stale").write_bytes(b"half")
    with atomic_folder(tmp_path / "step-000400") as folder:
        (folder / "state").write_bytes(b"whole")
    assert [path.name for path in (tmp_path / "step-000400").iterdir()] == ["state"]


def test_a_folder_may_take_the_place_of_another(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        with atomic_folder(tmp_path / "step-000400") as folder:
            (folder / "state").write_bytes(content)
    assert (tmp_path / "step-000400" / "state").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["step-000400"]


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_process_that_dies_while_it_replaces_a_folder_leaves_one_of_the_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """It dies after so many renames: that of the old folder, and that of the new one."""
    place = tmp_path / "step-000400"
    with atomic_folder(place) as folder:
        (folder / "state").write_bytes(b"first")
    rename, left = os.rename, iter(range(renames))

    def mortal(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise SystemExit
        rename(source, target)

    monkeypatch.setattr(os, "rename", mortal)
    monkeypatch.setattr(atomic.shutil, "rmtree", lambda *arguments, **keywords: None)
    with suppress(SystemExit), atomic_folder(place) as folder:
        (folder / "state").write_bytes(b"second")
    monkeypatch.undo()
    restore_replaced(tmp_path)
    assert (place / "state").read_bytes() == (b"second" if renames == 2 else b"first")
    assert not list(tmp_path.glob("*.old"))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EROFS, "a folder that you may write to"),
        (errno.EACCES, "a folder that you may write to"),
        (errno.EIO, "another folder"),
    ],
)
def test_system_errors_name_place_reason_and_remedy(number: int, remedy: str) -> None:
    with pytest.raises(RunError) as caught, writing(Path("runs/reviews/run.json")):
        raise OSError(number, os.strerror(number))
    first, second = str(caught.value).split("\n")
    assert first == f"runs/reviews/run.json: cannot be written: {os.strerror(number)}"
    assert remedy in second


def test_a_full_disk_is_a_run_error() -> None:
    """/dev/full refuses every byte, as a full disk does."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with pytest.raises(RunError, match="No space left"), writing(Path("model.onnx")):
        Path("/dev/full").write_bytes(b"x")


def test_json_that_other_readers_would_refuse_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "run.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "run.json", {"label": "größer"})
    assert (tmp_path / "run.json").read_text(encoding="utf-8") == '{\n  "label": "größer"\n}\n'


def test_names_that_are_not_utf8_are_written_as_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.tsv")
    write_json(tmp_path / "run.json", {name: [name]})
    text = r"a\udcff.tsv"
    assert json.loads((tmp_path / "run.json").read_bytes()) == {text: [text]}


class TestLinking:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        (tmp_path / "source").write_text("new")
        return tmp_path / "source"

    @pytest.mark.parametrize("older", [None, "old"])
    def test_the_target_is_another_name_of_the_source(self, older: str | None, source: Path) -> None:
        target = source.with_name("target")
        if older is not None:
            target.write_text(older)
        target.with_name("target.tmp").write_text("left by a process that was killed")
        atomic_link(source, target)
        assert target.samefile(source)
        assert sorted(os.listdir(source.parent)) == ["source", "target"]

    def test_a_second_time_nothing_happens(self, source: Path) -> None:
        for _ in range(2):
            atomic_link(source, source.with_name("target"))
        assert sorted(os.listdir(source.parent)) == ["source", "target"]

    def test_a_file_that_is_replaced_leaves_its_other_name_alone(self, source: Path) -> None:
        atomic_link(source, source.with_name("target"))
        atomic_write(source.with_name("target"), b"newer")
        assert source.read_text() == "new"

    def test_a_source_that_is_missing_is_told_and_the_target_stays(self, source: Path) -> None:
        source.with_name("target").write_text("old")
        with pytest.raises(RunError, match="target: cannot be written: No such file or directory"):
            atomic_link(source.with_name("missing"), source.with_name("target"))
        assert source.with_name("target").read_text() == "old"
