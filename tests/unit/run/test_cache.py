"""A cache of folders: whole entries or none, whoever builds, is killed, or deletes at the same time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqtrain.errors import DataError, RunError
from seqtrain.run import cache as cache_module
from seqtrain.run.cache import FolderCache

KEY, OTHER, THIRD = "0a" * 32, "1b" * 32, "2c" * 32
PLENTY = 1 << 30


def cache(folder: Path, most_bytes: int = PLENTY) -> FolderCache:
    return FolderCache(folder / "cache", most_bytes)


def build(folder: Path, size: int = 100) -> None:
    assert list(folder.iterdir()) == []
    (folder / "inner").mkdir()
    (folder / "inner" / "content").write_bytes(b"x" * size)


def check(folder: Path) -> None:
    if (folder / "inner" / "content").stat().st_size % 100:
        raise ValueError("damaged")


def never(folder: Path) -> None:
    raise AssertionError("it should not be built")


def use(folder: Path, key: str = KEY, size: int = 100, most_bytes: int = PLENTY) -> bool:
    """Whether the entry was reused."""
    with cache(folder, most_bytes).entry(key, lambda new: build(new, size), check) as entry:
        assert (entry.path / "inner" / "content").stat().st_size % 100 == 0
        return entry.reused


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cache").iterdir())


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    assert not use(tmp_path)
    with cache(tmp_path).entry(KEY, never, check) as entry:
        assert entry == (tmp_path / "cache" / KEY, True)
        check(entry.path)
    assert names(tmp_path) == [KEY]


def test_each_key_has_its_own(tmp_path: Path) -> None:
    assert [use(tmp_path, key) for key in (KEY, OTHER, KEY)] == [False, False, True]
    assert names(tmp_path) == [KEY, OTHER]


@pytest.mark.parametrize("key", ["", "..", "a/b", "0A" * 32, "xyz" * 9, f"{KEY}\n", "0a"])
def test_a_key_is_a_digest(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="no hexadecimal digest"):
        use(tmp_path, key)
    assert list(tmp_path.iterdir()) == []


# Damage.


def damage_a_file(entry: Path) -> None:
    (entry / "inner" / "content").write_bytes(b"x")


def delete_a_file(entry: Path) -> None:
    (entry / "inner" / "content").unlink()


def become_a_file(entry: Path) -> None:
    move_away(entry)
    entry.write_bytes(b"x")


def become_a_link(entry: Path) -> None:
    move_away(entry)
    entry.symlink_to(entry.with_name("elsewhere"))


def move_away(entry: Path) -> None:
    entry.rename(entry.with_name("elsewhere"))


@pytest.mark.parametrize("damage", [damage_a_file, delete_a_file, become_a_file, become_a_link])
def test_what_is_damaged_is_built_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    use(tmp_path)
    damage(tmp_path / "cache" / KEY)
    assert [use(tmp_path), use(tmp_path)] == [False, True]
    assert names(tmp_path) in ([KEY], [KEY, "elsewhere"])


@pytest.mark.parametrize("error", [ValueError("x"), OSError("x"), DataError("x"), RunError("x")])
def test_what_a_check_may_raise(tmp_path: Path, error: Exception) -> None:
    use(tmp_path)

    def refuse(folder: Path) -> None:
        raise error

    with cache(tmp_path).entry(KEY, build, refuse) as entry:
        assert not entry.reused


def test_a_bug_in_a_check_is_no_damage(tmp_path: Path) -> None:
    use(tmp_path)
    with pytest.raises(ZeroDivisionError), cache(tmp_path).entry(KEY, build, lambda folder: 1 / 0):
        pass
    assert use(tmp_path)


def test_who_uses_what_another_one_finds_damaged_goes_on(tmp_path: Path) -> None:
    use(tmp_path)
    with (
        cache(tmp_path).entry(KEY, never, check) as entry,
        (entry.path / "inner" / "content").open("rb") as file,
    ):
        damage_a_file(entry.path)
        assert not use(tmp_path, size=200)
        assert file.read() == b"x"
    assert (entry.path / "inner" / "content").stat().st_size == 200


# Errors.


@pytest.mark.parametrize("error", [DataError("no rows"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("others", [False, True])
def test_an_error_of_the_builder_leaves_nothing(tmp_path: Path, error: BaseException, others: bool) -> None:
    def fail(folder: Path) -> None:
        build(folder)
        raise error

    if others:
        use(tmp_path, OTHER)
    with pytest.raises(type(error)) as caught, cache(tmp_path).entry(KEY, fail, check):
        pass
    assert caught.value is error
    assert names(tmp_path) == [OTHER] if others else list(tmp_path.iterdir()) == []
    assert not use(tmp_path)


def test_an_error_of_the_user_leaves_the_entry(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), cache(tmp_path).entry(KEY, build, check):
        raise KeyboardInterrupt
    assert use(tmp_path)


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(RunError, match="cache: cannot be written"):
        use(tmp_path)


def test_a_link_to_nothing_gets_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to("elsewhere/cache")
    assert not use(tmp_path)
    assert names(tmp_path) == [KEY]


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("sync_tree", "move_folder"):
        original = getattr(cache_module, name)
        monkeypatch.setattr(
            cache_module,
            name,
            lambda *paths, name=name, original=original: (calls.append((name, *paths)), original(*paths)),
        )
    use(tmp_path)
    entry = tmp_path / "cache" / KEY
    new = entry.with_name(f".{KEY}.tmp") / "new"
    assert calls == [("sync_tree", new), ("move_folder", new, entry)]


# Room.


@contextmanager
def used_before(folder: Path, *keys: str) -> Iterator[None]:
    """Entries of 100 bytes that were used in this order, long ago."""
    for age, key in enumerate(keys):
        use(folder, key)
        os.utime(folder / "cache" / key, (age, age))
    yield


@pytest.mark.parametrize(
    ("most_bytes", "left"),
    [(300, [KEY, OTHER, THIRD]), (299, [OTHER, THIRD]), (200, [OTHER, THIRD]), (199, [THIRD]), (0, [THIRD])],
)
def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, most_bytes: int, left: list[str]) -> None:
    with used_before(tmp_path, KEY, OTHER):
        use(tmp_path, THIRD, most_bytes=most_bytes)
    assert names(tmp_path) == left


def test_reuse_is_use(tmp_path: Path) -> None:
    with used_before(tmp_path, KEY, OTHER):
        assert use(tmp_path, KEY)
        use(tmp_path, THIRD, most_bytes=200)
    assert names(tmp_path) == [KEY, THIRD]


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    with used_before(tmp_path, KEY, OTHER), cache(tmp_path).entry(KEY, never, check):
        use(tmp_path, THIRD, most_bytes=0)
        assert names(tmp_path) == [KEY, THIRD]
    use(tmp_path, THIRD, most_bytes=0)
    assert names(tmp_path) == [THIRD]


def test_what_is_not_of_the_cache_stays(tmp_path: Path) -> None:
    for name in ("notes", ".git", ".x.tmp"):
        (tmp_path / "cache" / name).mkdir(parents=True)
    (tmp_path / "cache" / THIRD).write_bytes(b"a file")
    (tmp_path / "cache" / f".{THIRD}.tmp").write_bytes(b"a file")
    use(tmp_path, most_bytes=0)
    use(tmp_path, OTHER, most_bytes=0)
    assert names(tmp_path) == sorted(["notes", ".git", ".x.tmp", THIRD, f".{THIRD}.tmp", OTHER])


# Other processes.

BUILDER = """
import sys, time
from pathlib import Path
from seqtrain.run.cache import FolderCache

folder, key, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])

def build(new):
    (new / "inner").mkdir()
    with (new / "inner" / "content").open("wb") as file:
        file.write(b"x" * 150)
        file.flush()
        print("half", flush=True)
        time.sleep(seconds)
        file.write(b"x" * 150)

def check(entry):
    size = (entry / "inner" / "content").stat().st_size
    assert size == 300, size

with FolderCache(folder, 1 << 30).entry(key, build, check) as entry:
    check(entry.path)
    print("reused" if entry.reused else "built", flush=True)
    sys.stdin.read()
"""


def builder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """A process that builds an entry, the second half after some seconds, and uses it until its stdin ends."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder / "cache"), KEY, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """What else they say; all must end well."""
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def test_builders_at_once_end_with_the_same_entry(tmp_path: Path) -> None:
    """All read it while the first still uses it; the check of each sees the whole entry."""
    processes = [builder(tmp_path, 0.2) for _ in range(4)]
    answers = [said(process) for process in processes]
    answers = [
        said(process) if answer == "half" else answer
        for process, answer in zip(processes, answers, strict=True)
    ]
    assert sorted(answers) == ["built", "reused", "reused", "reused"]
    assert names(tmp_path) == [KEY]
    finish(*processes)


def test_what_is_killed_while_it_builds_leaves_no_entry(tmp_path: Path) -> None:
    first = builder(tmp_path, 60)
    assert said(first) == "half"
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert names(tmp_path) == [f".{KEY}.tmp"]
    assert not use(tmp_path)
    assert names(tmp_path) == [KEY]


def test_who_waits_for_a_killed_builder_builds(tmp_path: Path) -> None:
    first = builder(tmp_path, 60)
    assert said(first) == "half"
    second = builder(tmp_path, 0)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.5)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert [said(second), said(second)] == ["half", "built"]
    finish(second)


def test_the_next_user_of_any_entry_clears_away_what_was_left(tmp_path: Path) -> None:
    first = builder(tmp_path, 60)
    assert said(first) == "half"
    use(tmp_path, OTHER)
    assert names(tmp_path) == sorted([f".{KEY}.tmp", OTHER]), "not while it is built"
    first.send_signal(signal.SIGKILL)
    first.communicate()
    use(tmp_path, OTHER)
    assert names(tmp_path) == [OTHER]


def test_who_is_killed_while_using_an_entry_uses_it_no_longer(tmp_path: Path) -> None:
    process = builder(tmp_path, 0)
    assert [said(process), said(process)] == ["half", "built"]
    use(tmp_path, OTHER, most_bytes=0)
    assert names(tmp_path) == [KEY, OTHER]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    use(tmp_path, OTHER, most_bytes=0)
    assert names(tmp_path) == [OTHER]


RACER = """
import sys
from pathlib import Path
from seqtrain.run.cache import FolderCache

def build(new):
    (new / "content").write_bytes(b"x" * 300)
    if number % 5 == 0:
        raise KeyError("of this builder")

def check(entry):
    if (entry / "content").stat().st_size != 300:
        raise ValueError("damaged")

for number in range(100):
    try:
        with FolderCache(Path(sys.argv[1]), 300).entry("abcd" * 4 + str(number % 3), build, check) as entry:
            check(entry.path)
    except KeyError:
        pass
"""


def test_nobody_fails_where_all_build_and_delete(tmp_path: Path) -> None:
    """Entries and the cache itself come and go all the time; what somebody uses stays."""
    command = [sys.executable, "-c", RACER, str(tmp_path / "cache")]
    finish(*[subprocess.Popen(command, text=True) for _ in range(4)])
    assert 1 <= len(names(tmp_path)) <= 3
    assert all(name.startswith("abcd") for name in names(tmp_path))
