"""The script that prepares the review data, on a small made-up archive and without a network."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.data.scripts import load_script

reviews = load_script("reviews.py")
Row = reviews.Row

MOVIES = [f"{number}\t{'-' * (number % 2)}1.5\tmovie {number}" for number in range(40)]
PRODUCTS = [
    "1_1\t0\tof no sign",
    "1_2\t2\tGreat!",
    "1_3\t1\tgreat!",
    "1_4\t1\tyes",
    "1_5\t-1\tYes",
    "1_6\t-0.1\tPB&amp;J ",
]


def tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose cache holds a made-up archive, and which the script takes for its own."""
    lines = {"movies": MOVIES, "products": PRODUCTS}
    inner = tar({reviews.DOMAINS[domain]: "\r\n".join(rows).encode() for domain, rows in lines.items()})
    archive = tar({reviews.INNER_ARCHIVE: inner})
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / reviews.ARCHIVE).write_bytes(archive)
    (tmp_path / "vader.txt").write_text(f"x==1 --hash=sha256:{hashlib.sha256(archive).hexdigest()}\n")
    monkeypatch.setattr(reviews, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(reviews, "REQUIREMENT", tmp_path / "vader.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_lines_of_a_ground_truth_file() -> None:
    data = "1\t2.5\ta  b\r\n2_1\t-0.1\tcafé &amp; H &amp;amp; R &lt;3 \r\n".encode()
    assert reviews.parse(data) == [(2.5, "a b"), (-0.1, "café & H & R <3")]
    assert reviews.parse(data) == reviews.parse(data.removesuffix(b"\r\n"))


def test_the_sign_is_the_label_and_each_text_is_there_once() -> None:
    rated = [
        ("movies", 0.1, "One"),
        ("movies", -3.0, "two"),
        ("movies", 0.0, "three"),
        ("products", 2.0, "one "),
        ("products", 1.0, "TWO"),
        ("products", 1.0, "two"),
    ]
    rows, dropped = reviews.usable(rated)
    assert rows == [Row("movies", "pos", "One")]
    assert dropped == {"rated zero": 1, "same text again": 1, "same text with both labels": 3}


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from(["movies", "tweets"]),
        st.sampled_from(["neg", "pos"]),
        st.text("abAB ", max_size=8),
    ),
    unique_by=lambda row: reviews.key(row.text),
    max_size=60,
)


@given(ROWS, st.integers(), st.randoms())
def test_split_gives_each_row_one_place_whatever_the_order(rows: list, seed: int, order) -> None:
    splits = reviews.split(rows, seed)
    assert Counter(row for part in splits.values() for row in part) == Counter(rows)
    for stratum, size in Counter(row[:2] for row in rows).items():
        counts = {name: sum(row[:2] == stratum for row in part) for name, part in splits.items()}
        assert counts["dev"] == counts["test"] == (size + 5) // 10
    order.shuffle(rows)
    assert reviews.split(rows, seed) == splits


def test_split_is_the_same_for_ever() -> None:
    splits = reviews.split([Row("movies", "pos", f"text {number}") for number in range(20)], seed=1)
    numbers = {name: [int(row.text.split()[1]) for row in part] for name, part in splits.items()}
    assert (numbers["dev"], numbers["test"]) == ([17, 3], [14, 0])
    assert splits != reviews.split([Row("movies", "pos", f"text {number}") for number in range(20)], seed=2)


def test_a_run_writes_the_files_and_tells_what_is_in_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reviews.main(["--out", "out"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "                   train     dev    test",
        "movies neg            16       2       2",
        "movies pos            16       2       2",
        "products neg           1       0       0",
        "products pos           1       0       0",
        "all                   34       4       4",
        "left out: 1 rated zero, 1 same text again, 2 same text with both labels",
        "written to out",
    ]
    files = contents(home / "out")
    assert sorted(files) == ["dev.tsv", "stamp.json", "test.tsv", "train.tsv"]
    rows = b"".join(files[f"{name}.tsv"] for name in reviews.SPLITS).decode().splitlines()
    expected = [f"{'neg' if number % 2 else 'pos'}\tmovie {number}" for number in range(40)]
    assert sorted(rows) == sorted([*expected, "pos\tGreat!", "neg\tPB&J"])


def test_a_second_run_leaves_whole_files_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reviews.main(["--out", "out"])
    before = {path: path.stat().st_mtime_ns for path in (home / "out").iterdir()}
    (home / ".cache" / reviews.ARCHIVE).unlink()
    capsys.readouterr()
    assert reviews.main(["--out", "out"]) == 0
    assert capsys.readouterr().out == "out: up to date (movies, products, seed 1)\n"
    assert {path: path.stat().st_mtime_ns for path in (home / "out").iterdir()} == before


@pytest.mark.parametrize("damage", ["dev.tsv", "stamp.json"])
def test_a_second_run_puts_damage_right(home: Path, damage: str) -> None:
    reviews.main(["--out", "out"])
    before = contents(home / "out")
    (home / "out" / damage).write_bytes(b"damaged")
    assert reviews.main(["--out", "out"]) == 0
    assert contents(home / "out") == before


def test_other_arguments_make_other_files(home: Path) -> None:
    reviews.main(["--out", "out"])
    before = contents(home / "out")
    reviews.main(["--out", "out", "--seed", "2"])
    assert contents(home / "out")["train.tsv"] != before["train.tsv"]
    reviews.main(["--out", "out", "--domains", "products, movies"])
    assert contents(home / "out") == before
    reviews.main(["--out", "out", "--domains", "products"])
    assert contents(home / "out")["dev.tsv"] == b""


def test_files_of_someone_else_are_not_touched(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "out").mkdir()
    (home / "out" / "train.tsv").write_text("mine")
    assert reviews.main(["--out", "out"]) == 3
    problem = "out holds a train.tsv that is not from here; move it away or choose another --out"
    assert capsys.readouterr().err == f"data/reviews.py: {problem}\n"
    assert contents(home / "out") == {"train.tsv": b"mine"}


def test_a_damaged_archive_is_fetched_again_and_a_failing_pip_is_one_message(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / ".cache" / reviews.ARCHIVE).write_bytes(b"damaged")
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(home),
        "PIP_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    assert reviews.main(["--out", "out"]) == 3
    first, second, remedy = capfd.readouterr().err.splitlines()
    assert first == "Downloading the rated texts (2.4 MB) …"
    assert second.startswith(f"data/reviews.py: pip could not download {reviews.ARCHIVE}; it said: ERROR: ")
    assert remedy.endswith(f"Without a network, put {reviews.ARCHIVE} into .cache.")
    assert not (home / "out").exists()
    assert [path.name for path in (home / ".cache").iterdir()] == [reviews.ARCHIVE]


def test_an_unknown_domain_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        reviews.main(["--domains", "movies,films"])
    assert "no domain 'films'; there are movies, products, tweets, editorials" in capsys.readouterr().err
