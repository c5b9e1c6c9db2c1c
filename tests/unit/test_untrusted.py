"""What is read from strangers: ordinary files, JSON that means one thing, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.errors import RunError
from seqtrain.untrusted import parse_json, read_file

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=30,
)


class TestFiles:
    @pytest.mark.parametrize("size", [0, 1, 1000])
    def test_a_file_up_to_the_limit_is_read_whole(self, size: int, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x" * size)
        assert read_file(tmp_path / "file", most_bytes=1000) == b"x" * size

    def test_one_byte_more_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        with (tmp_path / "file").open("wb") as file:
            file.truncate(2**40)  # no memory holds it
        with pytest.raises(RunError) as caught:
            read_file(tmp_path / "file", most_bytes=2**40 - 1)
        assert str(caught.value) == (
            f"{tmp_path}/file: cannot be read: it has 1,099,511,627,776 bytes, more than 1,099,511,627,775\n"
            "  Copy it again from where it was made, or make it again with `seqtrain fit`."
        )

    def test_a_file_whose_size_is_not_what_it_says(self) -> None:
        """Such as those of the system, which say 0 and go on as long as they like."""
        with pytest.raises(RunError, match="/proc/self/maps: cannot be read: it changes while it is read"):
            read_file("/proc/self/maps", most_bytes=1 << 20)

    @pytest.mark.parametrize("target", ["real", "/dev/zero", "nowhere", "link"])
    def test_a_link_is_never_followed(self, target: str, tmp_path: Path) -> None:
        (tmp_path / "real").write_bytes(b"secret")
        (tmp_path / "link").symlink_to(target)
        with pytest.raises(RunError, match="link: cannot be read: it is a symbolic link"):
            read_file(tmp_path / "link", most_bytes=1000)

    def test_a_run_may_be_reached_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "file").write_bytes(b"mine")
        (tmp_path / "link").symlink_to("run")
        assert read_file(tmp_path / "link" / "file", most_bytes=1000) == b"mine"

    def test_a_pipe_is_refused_without_waiting_for_a_writer(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RunError, match="pipe: cannot be read: it is no regular file"):
            read_file(tmp_path / "pipe", most_bytes=1000)

    def test_folders_devices_and_sockets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # the path of a socket is short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
            for path in (".", "/dev/zero", "socket"):
                with pytest.raises(RunError, match=f"^{path}: cannot be read: "):
                    read_file(path, most_bytes=1000)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(RunError, match="file: cannot be read: No such file or directory"):
            read_file(tmp_path / "file", most_bytes=1000)


class TestJson:
    @settings(deadline=None)
    @given(values, st.booleans())
    def test_what_the_library_writes_comes_back(self, value: object, ascii_only: bool) -> None:
        assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode(), "run.json") == value

    def test_both_halves_of_a_surrogate_pair_are_one_character(self) -> None:
        assert parse_json(rb'["\ud83d\ude00"]', "run.json") == ["😀"]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "Expecting value"),
            (b"{", "Expecting property name"),
            (b"[1] [2]", "Extra data"),
            (b'"\xff"', "can't decode byte 0xff"),
            (b"\xef\xbb\xbf{}", "BOM"),
            ('{"a": 1}'.encode("utf-16"), "can't decode byte 0xff"),
            (b'{"a": 1, "b": {"c": 1, "c": 2}}', "an object has a key twice"),
            (rb'{"a": 1, "\u0061": 2}', "an object has a key twice"),
            (b"[NaN]", "NaN is not a finite number"),
            (b"[-Infinity]", "-Infinity is not a finite number"),
            (b"[1e999]", "1e999 is not a finite number"),
            (b"[" + b"9" * 10_000 + b"]", "Exceeds the limit"),
            (b"[" * 200_000, "recursion depth"),
            (b"[" + b"[]," * (1 << 18) + b"[]]", "more than 262,144 brackets"),
            (b"[" + b"{}," * (1 << 18) + b"{}]", "more than 262,144 brackets"),
            (rb'["\ud800"]', "surrogates not allowed"),
            (rb'{"\uDFFF": 1}', "surrogates not allowed"),
        ],
    )
    def test_all_else_is_refused_with_origin_and_reason(self, content: bytes, reason: str) -> None:
        with pytest.raises(RunError, match=reason) as caught:
            parse_json(content, "run.json")
        assert str(caught.value).startswith("run.json: is damaged: ")
        assert len(str(caught.value)) < 300

    @settings(deadline=None, max_examples=300)
    @given(st.binary(max_size=60) | st.text('[]{}":,\\u0d8eEnNaIfty1-. ', max_size=40).map(str.encode))
    def test_any_bytes_are_a_value_or_refused(self, content: bytes) -> None:
        try:
            value = parse_json(content, "run.json")
        except RunError:
            return
        assert json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def test_importing_it_is_cheap() -> None:
    heavy = "{'numpy', 'yaml', 'pydantic', 'tensorflow'}"
    code = f"import sys, seqtrain.untrusted; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
