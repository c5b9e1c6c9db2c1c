"""The frozen tables are those of Unicode 13.0 and have not changed since models depend on them."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest

from tests.unit.text.reference import CHARACTERS
from tools import word_rule

# Never to be updated: other tables are another version of the rule, in a file of their own.
SHA256 = "334db063bd0a3514352ee2212730186cb36d74bd76ece5035ed11745f07f767d"


def test_the_tables_of_version_1_are_frozen():
    assert hashlib.sha256(word_rule.TARGET.read_bytes()).hexdigest() == SHA256


def test_every_python_derives_the_same_tables_from_the_characters_of_unicode_13():
    assert word_rule.rule(CHARACTERS) == word_rule.TARGET.read_text(encoding="ascii")


@pytest.mark.skipif(
    unicodedata.unidata_version != word_rule.UNICODE, reason="only Python 3.10 has Unicode 13.0"
)
def test_the_tool_writes_the_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(word_rule, "TARGET", tmp_path / "rule.json")
    word_rule.main()
    assert hashlib.sha256(word_rule.TARGET.read_bytes()).hexdigest() == SHA256


def test_the_tool_refuses_another_unicode(tmp_path, monkeypatch):
    monkeypatch.setattr(word_rule, "TARGET", tmp_path / "rule.json")
    monkeypatch.setattr(unicodedata, "unidata_version", "16.0.0")
    with pytest.raises(SystemExit, match=r"This Python has Unicode 16\.0\.0, not 13\.0\.0"):
        word_rule.main()
    assert not word_rule.TARGET.exists()
