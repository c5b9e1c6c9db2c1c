"""The hardest texts there are for a tokenizer, and batches of every size to run texts in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from seqtrain.text.tokenizer import Tokenizer

# Of film reviews, so that a model may know them: among unknown words it does not show which were cut off.
_WORDS = ("not", "a", "bad", "film", "but", "the", "plot", "is", "dull", "and", "too", "long")

LONGEST = 2_000  # tokens: who allows for more means "all of them", and such texts would take all memory

_SIZES = (1, 64, 3, 17, 32, 2)

_TEXTS = {
    "empty": "",
    "white space": " \t\r\n\v\f \u00a0\u1680\u2003\u3000",
    "one token": "good",
    "Latin": "Ça va, naïve façade: Ærøskøbing, Škoda, Łódź, Ñandú?",
    "Cyrillic": "Очень ХОРОШИЙ фильм, ёлки-палки!",
    "Greek": "Ὀδυσσεύς ΣΊΣΥΦΟΣ καλός; όχι.",
    "Arabic": "فيلم رائع جدًّا، ١٢٣ مرة؟ لا",
    "Hebrew": "סרט טוֹב מאוד־מאוד, צה״ל",
    "Devanagari": "यह फ़िल्म बहुत अच्छी है। क्षत्रिय १२",
    "Thai": "ภาพยนตร์เรื่องนี้ดีมาก ๆ ๑๒๓",
    "Han and kana": "这部電影非常好看。とても良いカメラだった〜 ｶﾞｷﾞ 々〇",
    "Hangul": "정말 좋은 영화였다! 한글",
    "scripts mixed in one word": "кафеcaféκαφέقهوة咖啡กาแฟ커피",
    "emoji": "😀👍 ❤ ☺ 🎬10/10🎬",
    "emoji joined by ZWJ": "👩‍👩‍👧‍👦 🏳️‍🌈 👩🏽‍🚀",
    "skin tones and a lone one": "👍🏿👋🏻 🏽",
    "flags and half a flag": "🇩🇪🇫🇷🇯 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "variation selectors": "☺\ufe0e ☺\ufe0f 1\ufe0f\u20e3 葛\U000e0100",
    "composed": "caf\u00e9 \u00c5 \u1e69",
    "decomposed": "cafe\u0301 A\u030a s\u0323\u0307",
    "marks without a letter": "\u0301 \u0301a !\u0308",
    "a stack of marks": "z" + "\u0301\u0327\u0489" * 60 + "algo",
    "NUL": "good\0bad \0 film",
    "controls": "bell\a escape\x1b[31mred\x1b[0m back\b delete\x7f next\u0085line",
    "line separators": "one\u2028two\u2029three\vfour\x1cfive",
    "zero width": "no\u200bspace soft\u00adhyphen word\u2060joiner \ufeffmark non\u200cjoiner join\u200der",
    "writing direction": "\u202eesrever\u202c \u2067right\u2069 \u200fa\u200e",
    "compatibility forms": "ﬁne ﬂow ＦＵＬＬ　ｗｉｄｔｈ ½ x² ㎏ Ⅷ ① ﷺ ´acute´",
    "upper case": "GOOD Bad STRAẞE straße ǅ ΌΣΟΣ",
    "Turkish": "İSTANBUL ısı IŞIK iyi",
    "apostrophes": "don't don’t 'tis dogs' rock'n'roll '' ’ it‘s ʼn",
    "names of special tokens": "<pad> <unk> <PAD>",
    "pad alone": "<pad>",
    "unknown words": "zqxjkvb qqqqzzzz xyzzyplugh",
    "a very long word": "good" * 2500,
    "digits": "10/10 3.14 1,000,000 ٣٤ ४५ ０１２ 𝟙𝟚",
    "punctuation": "-- ... ?!?! (a)[b]{c} a_b a-b a.b @x #y $1 50% &amp; \\n “x” —",
    "beyond the basic plane": "𝒻𝒾𝓁𝓂 𐐀𐐨 𠮷野家 𞤀",
    "private and unassigned": "\ue000 \U000f0000 \u0378 \uffff \U0010ffff",
}

_BYTES = {
    "lone continuation bytes": b"good \x80\xbf film",
    "0xFE and 0xFF": b"\xff\xfe good\xff",
    "truncated sequences": b"a\xc3 b\xe2\x82 c\xf0\x9f\x98 d\xf0\x9f",
    "truncated at the end": b"caf\xc3",
    "overlong": b"\xc0\xaf \xc1\xbf \xe0\x80\xaf \xf0\x80\x80\xaf",
    "surrogates in UTF-8": b"\xed\xa0\x80 \xed\xbf\xbf \xed\xa0\xbd\xed\xb8\x80",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80 \xf8\x88\x80\x80\x80 \xfc\x84\x80\x80\x80\x80",
    "Latin-1": b"caf\xe9 na\xefve \xfcber",
    "UTF-16": "good film".encode("utf-16"),
}


def nasty_texts(tokenizer: Tokenizer) -> dict[str, bytes]:
    """By what is hard about them; some have as many tokens as `tokenizer` takes (or `LONGEST`), and more."""
    most = min(tokenizer.max_length, LONGEST)
    lengths = {
        "as many tokens as are taken": most,
        "a token more than is taken": most + 1,
        "three times as many tokens": 3 * most,
    }
    long = {name: _of_length(length, tokenizer.kind) for name, length in lengths.items()}
    return {name: text.encode() for name, text in (_TEXTS | long).items()} | _BYTES


def ragged(texts: Sequence[bytes]) -> list[list[bytes]]:
    """The texts cut, in order, into batches of very different sizes, so that company and padding differ."""

    def batches() -> Iterator[list[bytes]]:
        rest = iter(texts)
        for size in cycle(_SIZES):
            if not (batch := list(islice(rest, size))):
                return
            yield batch

    return list(batches())


def _of_length(tokens: int, kind: str) -> str:
    """A text of so many tokens."""
    words = islice(cycle(_WORDS), tokens)
    return "".join(word[0] for word in words) if kind == "char" else " ".join(words)
