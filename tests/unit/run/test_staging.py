from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqtrain.errors import RunError
from seqtrain.run.staging import Staging, places_to_restore, restore

DIES_WHILE_PROMOTING = """
import os, shutil, sys
from pathlib import Path
from seqtrain.run import atomic, staging

place, calls_to_live = Path(sys.argv[1]), int(sys.argv[2])

def mortal(function):
    def call(*arguments, **keywords):
        global calls_to_live
        if calls_to_live == 0:
            os._exit(9)
        calls_to_live -= 1
        return function(*arguments, **keywords)
    return call

new = staging.Staging(place)
(new.path / "content").write_text("new")
os.rename, os.unlink, os.rmdir, os.fsync = map(mortal, (os.rename, os.unlink, os.rmdir, os.fsync))
new.promote()
print("promoted", flush=True)
"""

HOLDS = """
import sys
from pathlib import Path
from seqtrain.run.staging import Staging

new = Staging(Path(sys.argv[1]))
(new.path / "content").write_text("new")
print("ready", flush=True)
if sys.stdin.readline() == "promote\\n":
    new.promote()
    print("promoted", flush=True)
sys.stdin.read()
"""


def started(place: Path) -> subprocess.Popen[str]:
    """Another process that builds for `place`; a line on its stdin makes it promote."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def promote(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("promote\n")
    process.stdin.flush()
    assert process.stdout.readline() == "promoted\n"


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def stand(place: Path, content: str) -> None:
    place.mkdir(parents=True)
    (place / "content").write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_folder_stands_until_the_new_one_is_promoted(tmp_path: Path) -> None:
    place = tmp_path / "reviews"
    stand(place, "old")
    staging = Staging(place)
    (staging.path / "content").write_text("new")
    assert (place / "content").read_text() == "old"
    staging.promote()
    staging.close()
    assert staging.path == place
    assert (place / "content").read_text() == "new"
    assert names(tmp_path) == ["reviews"]


def test_a_folder_never_promoted_leaves_no_trace(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "runs" / "today" / "reviews")
    (staging.path / "content").write_text("new")
    staging.close()
    assert names(tmp_path) == []


def test_folders_made_for_it_stay_if_others_use_them(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "runs" / "reviews")
    (tmp_path / "runs" / "other").mkdir()
    staging.close()
    assert names(tmp_path / "runs") == ["other"]


def test_two_processes_cannot_build_for_one_place(tmp_path: Path) -> None:
    place = tmp_path / "reviews"
    other = started(place)
    try:
        with pytest.raises(RunError, match="another process is writing it"):
            Staging(place)
        promote(other)
        with pytest.raises(RunError, match="another process is writing it"):
            Staging(place)  # it trains on, in its place
        assert names(tmp_path) == ["reviews"]
    finally:
        kill(other)
    Staging(place).close()


def test_the_lock_of_one_place_does_not_reach_another(tmp_path: Path) -> None:
    other = started(tmp_path / "reviews")
    try:
        Staging(tmp_path / "tweets").close()
    finally:
        kill(other)


def test_what_a_killed_process_built_is_cleared_away(tmp_path: Path) -> None:
    place = tmp_path / "reviews"
    stand(place, "old")
    kill(started(place))
    assert names(tmp_path) == [".reviews.new", "reviews"]
    staging = Staging(place)
    assert names(staging.path) == []
    staging.close()
    assert names(tmp_path) == ["reviews"]
    assert (place / "content").read_text() == "old"


def test_of_many_processes_at_once_exactly_one_gets_the_place(tmp_path: Path) -> None:
    place = tmp_path / "reviews"
    race = (
        "import sys; from pathlib import Path; from seqtrain.run.staging import Staging\n"
        "from seqtrain.errors import RunError\n"
        "sys.stdin.readline()\n"
        "try: held = Staging(Path(sys.argv[1])); print('mine', flush=True)\n"
        "except RunError: print('taken', flush=True)\n"
        "sys.stdin.read()"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", race, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline() for racer in racers if racer.stdout is not None]
    for racer in racers:
        kill(racer)
    assert sorted(answers) == ["mine\n", *["taken\n"] * 5]


def test_killed_anywhere_in_promote_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    outcomes: list[str] = []
    for calls in range(30):
        place = tmp_path / str(calls) / "reviews"
        stand(place, "old")
        done = subprocess.run(
            [sys.executable, "-c", DIES_WHILE_PROMOTING, str(place), str(calls)], stdout=subprocess.PIPE
        )
        restore(place)
        outcomes.append((place / "content").read_text())
        assert names(place) == ["content"]
        Staging(place).close()
        assert names(place.parent) == ["reviews"]
        if done.returncode == 0:
            break
        assert done.returncode == 9
    else:
        pytest.fail("promote never got to its end")
    assert outcomes == sorted(outcomes, reverse=True)  # old, old, …, new, new
    assert outcomes.count("old") >= 4
    assert outcomes.count("new") >= 3


def test_a_promotion_that_fails_half_way_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, rename = tmp_path / "reviews", os.rename
    stand(place, "old")
    staging = Staging(place)

    def full_disk(source: Path, target: Path) -> None:
        if source == staging.path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "rename", full_disk)
    with pytest.raises(RunError, match="No space left on device"):
        staging.promote()
    staging.close()
    assert (place / "content").read_text() == "old"
    assert names(tmp_path) == ["reviews"]


def test_a_signal_right_after_the_rename_finds_the_folder_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, rename = tmp_path / "reviews", os.rename
    staging = Staging(place)

    def interrupted(source: Path, target: Path) -> None:
        rename(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        staging.promote()
    assert staging.promoted
    assert staging.path == place
    staging.close()
    assert names(tmp_path) == ["reviews"]


def test_what_was_left_aside_is_found_and_put_back(tmp_path: Path) -> None:
    place = tmp_path / "v1.2 reviews"
    stand(tmp_path / ".v1.2 reviews.old", "old")
    assert places_to_restore(tmp_path) == [place]
    restore(place)
    assert (place / "content").read_text() == "old"
    assert names(tmp_path) == ["v1.2 reviews"]


def test_a_folder_that_a_user_named_like_a_backup_is_left_alone(tmp_path: Path) -> None:
    for name in ("reviews", "reviews.old", "reviews.new"):
        stand(tmp_path / name, name)
    staging = Staging(tmp_path / "reviews")
    staging.promote()
    staging.close()
    assert (tmp_path / "reviews.old" / "content").read_text() == "reviews.old"
    assert (tmp_path / "reviews.new" / "content").read_text() == "reviews.new"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RunError, match="reviews: cannot be written"):
        Staging(tmp_path / "runs" / "reviews")


def test_a_staging_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    stand(tmp_path / "precious", "mine")
    (tmp_path / ".reviews.new").symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match="cannot be written"):
        Staging(tmp_path / "reviews")
    assert (tmp_path / "precious" / "content").read_text() == "mine"


def test_a_folder_that_is_withdrawn_leaves_no_trace(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "runs" / "reviews")
    staging.promote()
    staging.withdraw()
    assert not staging.promoted
    staging.close()
    assert names(tmp_path) == []
