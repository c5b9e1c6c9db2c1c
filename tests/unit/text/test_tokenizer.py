"""The tokenizers against a slow reference, their laws, and texts of many languages."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqtrain.errors import RunError, UsageError
from seqtrain.text import tokenizer
from seqtrain.text.tokenizer import TOKENIZERS, TRUNCATIONS, Tokenizer, truncate, word
from tests.unit.text.reference import CHARACTERS, REFERENCES, is_separator, texts

kinds = pytest.mark.parametrize("kind", TOKENIZERS)
ascii_texts = st.text(st.sampled_from([chr(code) for code in range(128)]) | st.sampled_from("aZ9' "))


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(tokenizer) == doctest.TestResults(failed=0, attempted=1)


@kinds
@given(text=texts, lowercase=st.booleans())
def test_tokens_are_those_of_the_reference(kind, text, lowercase):
    assert TOKENIZERS[kind](text, lowercase) == REFERENCES[kind](text, lowercase)


@kinds
@pytest.mark.parametrize("lowercase", [True, False])
def test_every_character_between_two_letters_is_treated_as_in_the_reference(kind, lowercase):
    for character in CHARACTERS:
        text = f"a{character}B"
        assert TOKENIZERS[kind](text, lowercase) == REFERENCES[kind](text, lowercase), hex(ord(character))


@kinds
@given(text=ascii_texts, lowercase=st.booleans())
def test_the_ascii_short_cut_changes_nothing(kind, text, lowercase):
    whole = TOKENIZERS[kind](text + " é", lowercase)
    end = [" ", "é"] if kind == "char" else ["é"]
    assert TOKENIZERS[kind](text, lowercase) + end == whole


@kinds
@given(text=texts, lowercase=st.booleans())
def test_an_emoji_elsewhere_changes_nothing(kind, text, lowercase):
    whole = TOKENIZERS[kind](text + " 🎉", lowercase)
    end = [" ", "🎉"] if kind == "char" else ["🎉"]
    assert TOKENIZERS[kind](text, lowercase) + end == whole


@kinds
@given(text=st.text(st.characters()) | texts, lowercase=st.booleans())
def test_tokens_hold_no_separator_so_that_a_line_of_the_vocabulary_holds_them(kind, text, lowercase):
    allowed = " " if kind == "char" else ""
    for token in TOKENIZERS[kind](text, lowercase):
        assert token
        assert not [character for character in token if is_separator(character) and character != allowed]
        token.encode("utf-8")


@kinds
@given(text=texts, lowercase=st.booleans())
def test_each_token_is_its_own_only_token(kind, text, lowercase):
    for token in TOKENIZERS[kind](text, lowercase):
        assert TOKENIZERS[kind](token, lowercase) == [token]


@given(text=texts)
def test_white_space_in_the_text_alone_decides_how_many_tokens_there_are(text):
    """Pre-tokenized text keeps its boundaries, whatever a character is replaced by."""
    runs = "".join(" " if is_separator(character) else character for character in text).split(" ")
    visible = [run for run in runs if REFERENCES["whitespace"](run, True)]
    assert len(TOKENIZERS["whitespace"](text, True)) == len(visible)


WORDS = {
    "": "",
    " \t\r\n\0\x85\xa0\u2028\u3000\u200b": "",
    "\xad\ufeff\u2060\u200e": "",
    "The cat's 2 mats.": "the cat's 2 mats .",
    "don't don’t DON‘T": "don't don't don ‘ t",
    "rock'n'roll 'quoted' o' 'tis '": "rock'n'roll ' quoted ' o ' ' tis '",
    "a''b 5'9\" l’été": "a ' ' b 5'9 \" l'été",
    "3.14 1,000 50% x² ½ №5": "3 . 14 1 , 000 50 % x2 1 ⁄ 2 no5",
    "snake_case e-mail <br />": "snake _ case e - mail < br / >",
    "a\0b\x85c\u2028d\u200be": "a b c d e",
    "so\xadft ze\u2060ro \ufeffbom r\u200ft\u202cl\u2069": "soft zero bom rtl",
    "\ud800x\udfff": "\ufffd x \ufffd",
    # Scripts with spaces: vowel signs, vowel points and joiners stay in the word.
    "हिन्दी में क्‍ष": "हिन्दी में क्‍ष",
    "اللُّغَة العَرَبِيّة ١٢٣، می‌خواهم": "اللُّغَة العَرَبِيّة ١٢٣ ، می‌خواهم",
    "한국어 문장입니다. 한국": "한국어 문장입니다 . 한국",
    "Tiếng Việt tiếng Việt": "tiếng việt tiếng việt",
    "Ёлка ΣΊΣΥΦΟΣ": "ёлка σίσυφοσ",
    # Scripts without spaces: single characters with their marks, digits as one number.
    "我喜欢2024年。": "我 喜 欢 2024 年 。",
    "二〇二〇年、人々": "二 〇 二 〇 年 、 人 々",
    "ラーメンがすき": "ラ ー メ ン が す き",
    "ﾗｰﾒﾝ ｶﾞ": "ラ ー メ ン カ\u3099",
    "ที่นี่ ปี๒๕๖๓ต่างๆ น้ำ": "ที่ นี่ ปี ๒๕๖๓ ต่ า ง ๆ น้ํ า",
    "ຄົນລາວ ໑໒": "ຄົ ນ ລ າ ວ ໑໒",
    "ខ្មែរ ២០២៤ ផ្សេងៗ": "ខ្ មែ រ ២០២៤ ផ្ សេ ង ៗ",
    "မြန်မာ ၂၀၂၄": "မြ န် မာ ၂၀၂၄",
    "Tシャツ": "t シ ャ ツ",
    # Letters that have more than one form.
    "İstanbul ısı IĞDIR": "i\u0307stanbul ısı iğdir",
    "Straße STRAẞE": "straße straße",
    "ﬁn œuvre Ǆ ŉ": "fin œuvre dž ʼn",
    "ＦＵＬＬ　ｗｉｄｔｈ１２！": "full width12 !",
    "𝐁𝐨𝐥𝐝 ℃ ① ㎏ ™": "bold ° c 1 kg tm",
    # Symbols: variation selectors and joiners stay with what they follow.
    "☺️👩‍💻👍🏽": "☺️ 👩‍ 💻 👍 🏽",
    "1️⃣ 🇫🇷": "1️⃣ 🇫 🇷",
    "´ \u0301a": "\u0301 \u0301 a",
}


@pytest.mark.parametrize("text", WORDS)
def test_words(text):
    assert word(text, lowercase=True) == WORDS[text].split()


def test_decomposed_letters_stay_in_their_word_but_are_not_composed():
    composed, decomposed = word("Việt", True), word("Vie\u0323\u0302t", True)
    assert (composed, decomposed) == (["việt"], ["vie\u0323\u0302t"])
    assert composed != decomposed


@pytest.mark.parametrize("newer", ["\U0001fae8", "\ua7d0", "\U00031350", "\u0cf3"])
def test_characters_newer_than_the_rule_stand_alone_on_every_python(newer):
    assert word(f"a{newer}b", True) == ["a", newer, "b"]


def test_case_is_kept_by_choice():
    assert word("Ein ÉTÉ ﬁn Ａ", lowercase=False) == ["Ein", "ÉTÉ", "fin", "A"]


def test_whitespace_keeps_the_boundaries_of_the_text():
    text = "It is n't (good) ,\tDon’t Né´e ﷺ\u3000\xad \u200be\u0301\n"
    expected = ["it", "is", "n't", "(good)", ",", "don't", "né\u0301e", "صلىاللهعليهوسلم", "e\u0301"]
    assert TOKENIZERS["whitespace"](text, True) == expected


def test_char_gives_code_points_and_plain_spaces():
    assert TOKENIZERS["char"]("Aé\t\x85ﬁ’\xad😀", True) == ["a", "é", " ", " ", "f", "i", "'", "😀"]


@pytest.mark.parametrize(
    ("how", "max_length", "expected"),
    [
        ("head", 3, "abc"),
        ("tail", 3, "efg"),
        ("middle", 3, "abg"),
        ("middle", 4, "abfg"),
        ("head", 1, "a"),
        ("tail", 1, "g"),
        ("middle", 1, "a"),
        ("middle", 6, "abcefg"),
        ("middle", 7, "abcdefg"),
        ("tail", 8, "abcdefg"),
    ],
)
def test_truncation(how, max_length, expected):
    assert truncate(list("abcdefg"), max_length, how) == list(expected)


@pytest.mark.parametrize("how", TRUNCATIONS)
@given(length=st.integers(0, 30), max_length=st.integers(1, 30))
@example(length=0, max_length=1)
def test_truncation_keeps_as_many_as_allowed_in_their_order(how, length, max_length):
    kept = truncate([str(index) for index in range(length)], max_length, how)
    assert len(kept) == min(length, max_length)
    assert kept == sorted(set(kept), key=int)


def test_a_tokenizer_truncates():
    tokenize = Tokenizer("char", lowercase=False, max_length=3, truncate="tail")
    assert tokenize("Hello") == list("llo")


@given(
    kind=st.sampled_from(list(TOKENIZERS)),
    lowercase=st.booleans(),
    max_length=st.integers(1),
    how=st.sampled_from(list(TRUNCATIONS)),
)
def test_a_rule_survives_json(kind, lowercase, max_length, how):
    original = Tokenizer(kind, lowercase, max_length, how)
    assert Tokenizer.from_rule(json.loads(json.dumps(original.rule()))) == original


def test_what_a_rule_says():
    assert Tokenizer("word", True, 400, "middle").rule() == {
        "version": 1,
        "kind": "word",
        "lowercase": True,
        "max_length": 400,
        "truncate": "middle",
    }


PROBLEMS = [
    ({"kind": "words"}, "tokenizer kind 'words' is not one of word, whitespace, char"),
    ({"kind": ["word"]}, "tokenizer kind ['word'] is not one of word, whitespace, char"),
    ({"truncate": "start"}, "truncation 'start' is not one of head, tail, middle"),
    ({"lowercase": 1}, "lowercase 1 is neither true nor false"),
    ({"max_length": 0}, "max_length 0 is not a whole number of at least 1"),
    ({"max_length": True}, "max_length True is not a whole number of at least 1"),
    ({"max_length": 4.0}, "max_length 4.0 is not a whole number of at least 1"),
]
SETTINGS = {"kind": "word", "lowercase": True, "max_length": 400, "truncate": "middle"}


@pytest.mark.parametrize(("change", "message"), PROBLEMS)
def test_settings_that_cannot_be(change, message):
    with pytest.raises(UsageError) as error:
        Tokenizer(**(SETTINGS | change))
    assert str(error.value) == message


@pytest.mark.parametrize(("change", "message"), PROBLEMS)
def test_a_model_with_a_damaged_rule_is_refused(change, message):
    with pytest.raises(RunError) as error:
        Tokenizer.from_rule({"version": 1, **SETTINGS, **change})
    assert str(error.value) == f"the model's tokenizer rule is damaged: {message}"


def test_a_model_with_other_keys_in_its_rule_is_refused():
    with pytest.raises(RunError, match=r"damaged: it has the keys \['kind', 'version'\]"):
        Tokenizer.from_rule({"version": 1, "kind": "word"})


@pytest.mark.parametrize("rule", [None, [], "word", {}])
def test_a_model_without_a_rule_is_refused(rule):
    with pytest.raises(RunError, match="rule version None"):
        Tokenizer.from_rule(rule)


@pytest.mark.parametrize("version", [2, "1", None])
def test_a_model_of_another_rule_version_is_refused(version):
    with pytest.raises(RunError) as error:
        Tokenizer.from_rule({"version": version, **SETTINGS})
    assert str(error.value) == (
        f"the model's tokenizer follows rule version {version!r}, but this seqtrain knows 1\n"
        "  Use the release of seqtrain that wrote the model, or a newer one."
    )


def test_ascii_text_needs_neither_tables_nor_numpy():
    program = (
        "import sys; from seqtrain.text import tokenizer\n"
        "tokenizer.Tokenizer('word', True, 9, 'head')('Plain text.')\n"
        "print(tokenizer._tables.cache_info().currsize, 'numpy' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "0 False\n"
