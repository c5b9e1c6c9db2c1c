from __future__ import annotations

import pytest

from seqtrain.cli.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\n  ünïcode 映画\t…", "plain\n  ünïcode 映画\t…"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("over\rwritten\x08\x7f", r"over\rwritten\x08\x7f"),
        ("\x9b2J\x85", r"\x9b2J\x85"),
    ],
)
def test_controls_are_escaped(text: str, expected: str) -> None:
    assert printable(text) == expected
