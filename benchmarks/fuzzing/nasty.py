"""Files that a reader could trip over, small enough to be kept as code: good ones, spoilt in every way we know."""

from __future__ import annotations

import gzip
from collections.abc import Callable

ROWS = [
    ("pos", "a joy to watch"),
    ("neg", "two hours, gone"),
    ("pos", "ça va 映画 😀"),
    ("neg", 'it says "no"'),
]
LONG = 100_000  # bytes; above any limit that the fuzzers set, below the default

GOOD: dict[str, bytes] = {
    ".tsv": "".join(f"{label}\t{text}\n" for label, text in ROWS).encode(),
    ".csv": b'pos,a joy to watch\r\nneg,"two hours, gone"\r\npos,"of\r\n\r\nthree lines"\r\nneg,"it says ""no"""\r\n',
    ".jsonl": "".join(f'{{"label": "{label}", "text": "{text[:9]}"}}\n' for label, text in ROWS).encode(),
    ".txt": "".join(f"__label__{label} {text}\n" for label, text in ROWS).encode(),
}

HEADERS: dict[str, bytes] = {".tsv": b"label\ttext\tweight\n", ".csv": b'"label","text",weight\n'}


def _each_line(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: b"\n".join(change(line) for line in data.split(b"\n"))


def _middle(piece: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[: len(data) // 2] + piece + data[len(data) // 2 :]


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "good": lambda data: data,
    "nothing": lambda data: b"",
    "only empty lines": lambda data: b"\n\r\n\n",
    "empty lines": lambda data: b"\n\n" + data.replace(b"\n", b"\n\r\n"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "two byte order marks": lambda data: b"\xef\xbb\xbf" * 2 + data,
    "half a byte order mark": lambda data: b"\xef\xbb",
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda data: data.decode().encode("utf-16-le"),
    "UTF-32": lambda data: data.decode().encode("utf-32"),
    "Latin-1": lambda data: data.decode().encode("latin-1", "replace") + b"caf\xe9\n",
    "CESU surrogates": _middle(b"\xed\xa0\xbd\xed\xb8\x80"),
    "overlong UTF-8": _middle(b"\xc0\x80\xf8\x88\x80\x80\x80"),
    "NUL": _middle(b"\0"),
    "all bytes": _middle(bytes(range(256))),
    "CR alone": lambda data: data.replace(b"\r", b"").replace(b"\n", b"\r"),
    "CRLF": lambda data: data.replace(b"\r", b"").replace(b"\n", b"\r\n"),
    "CRCRLF": lambda data: data.replace(b"\n", b"\r\r\n"),
    "mixed line ends": lambda data: data.replace(b"\n", b"\r\n", 1).replace(b"\n", b"\n\r", 3),
    "other line ends": lambda data: data + "pos\ta\u0085b\u2028c\u2029d\x0be\x0cf\x1cg\x1eh\n".encode(),
    "no last line end": lambda data: data[:-1],
    "cut in a character": lambda data: data[: data.find(b"\xc3") + 1],
    "a long line": _middle(b"x" * LONG),
    "a long line at the end": lambda data: data + b"x" * LONG,
    "a long label": lambda data: data + b"__label__" + b"y" * LONG + b"\tx\n",
    "many columns": lambda data: data + b"\t,a" * 20_000 + b"\n",
    "look-alike labels": lambda data: data.replace(b"pos", "роѕ".encode(), 1),
    "labels in blanks": lambda data: data.replace(b"pos", "\u00a0 pos\u2003".encode()),
    "controls": lambda data: data.replace(b"o", b"\x1b[2Jo\x07"),
    "writing from the right": lambda data: data.replace(b" ", "\u202e".encode()),
    "blank texts": lambda data: data + b'pos\t \npos,""\n__label__pos \n{"label": "pos", "text": " "}\n',
    "quotes everywhere": lambda data: data.replace(b" ", b'"'),
    "a quote at each start": _each_line(lambda line: b'"' + line),
    "a quote at each end": _each_line(lambda line: line + b'"'),
    "a quote never closed": _middle(b'\n"'),
    "a quote at the very end": lambda data: data + b'pos,"',
    "quotes at the border of a buffer": lambda data: (
        data + b'pos,"' + b"x" * (8192 - len(data) - 6) + b'""",\n'
    ),
    "doubled quotes": lambda data: data.replace(b'"', b'""""'),
    "the same twice": lambda data: data + data,
    "the formats one after the other": lambda data: b"".join(GOOD.values()) + data,
}

JSON_LINES: dict[str, bytes] = {
    "half a surrogate pair": rb'{"label": "pos", "text": "\ud83d"}',
    "a reversed pair": rb'{"label": "pos", "text": "\ude00\ud83d"}',
    "an escaped pair": rb'{"label": "pos", "text": "\ud83d\ude00"}',
    "NUL escaped": rb'{"label": "p\u0000s", "text": "a\u0000"}',
    "controls escaped": rb'{"label": "p\u001b", "text": "\u0007\u0085"}',
    "beyond a float": b'{"label": 1e999, "text": "a", "weight": 1e999}',
    "NaN": b'{"label": NaN, "text": "a", "weight": -Infinity}',
    "many digits": b'{"label": ' + b"9" * 5000 + b', "text": "a"}',
    "deep brackets": b"[" * LONG + b"]" * LONG,
    "deep objects": b'{"a":' * LONG,
    "a key twice": b'{"label": "pos", "label": "neg", "text": "a", "text": 1}',
    "wrong types": b'{"label": ["pos"], "text": {"a": 1}, "weight": "1"}',
    "a bare value": b'"pos"',
    "two values": b'{"label": "pos", "text": "a"}{"label": "neg", "text": "b"}',
    "single quotes": b"{'label': 'pos', 'text': 'a'}",
    "booleans": b'{"label": true, "text": "a", "weight": true}',
}

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "good": gzip.compress,
    "not gzip": lambda data: data,
    "two members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "empty members": lambda data: gzip.compress(b"") * 3 + gzip.compress(data) + gzip.compress(b""),
    "cut in the header": lambda data: gzip.compress(data)[:7],
    "cut in the data": lambda data: gzip.compress(data)[:-12],
    "cut in the checksum": lambda data: gzip.compress(data)[:-3],
    "a wrong checksum": lambda data: gzip.compress(data)[:-8] + b"\0" * 8,
    "zeros behind": lambda data: gzip.compress(data) + b"\0" * 600,
    "garbage behind": lambda data: gzip.compress(data) + b"garbage",
    "twice compressed": lambda data: gzip.compress(gzip.compress(data)),
}

PIECES = [
    *(b"\n", b"\r\n", b"\r", b"\t", b",", b'"', b'""', b'",', b',"', b" ", b"\\", b"\0", b"\x1b"),
    *(b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\x1f\x8b", b"\xff\xfe", b"\xed\xa0\x80"),
    *(b"pos", b"neg", b"__label__", b"__label__pos ", b"label", b"text", b"weight"),
    *(b"1", b"0", b"-1", b"1e999", b"nan", b"9" * 50),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b'{"label": "pos", "text": "a"}',
        rb"\u0000",
        rb"\ud800",
        b"null",
        b"true",
    ),
    *(sign.encode() for sign in "é😀\u0085\u2028\u00a0\ufffd"),
    *(b"x" * 70, b"x" * 5000),
]


def bomb(megabytes: int, line: bytes = b"\0") -> bytes:
    """Gzip data that is a thousand times as large when it is read."""
    megabyte = gzip.compress(line * ((1 << 20) // len(line)))
    return megabyte * megabytes  # one member after the other


def files() -> dict[tuple[str, str], bytes]:
    """(what is nasty, suffix) → content."""
    found = {(name, suffix): spoil(good) for suffix, good in GOOD.items() for name, spoil in SPOILT.items()}
    for suffix, header in HEADERS.items():
        found["a header", suffix] = header + GOOD[suffix]
        found["a header twice", suffix] = header * 2 + GOOD[suffix]
        found["a header of one name twice", suffix] = header.replace(b"weight", b"text") + GOOD[suffix]
    found |= {(f"JSON: {name}", ".jsonl"): GOOD[".jsonl"] + line + b"\n" for name, line in JSON_LINES.items()}
    found |= {
        (f"gzip: {name}", f"{suffix}.gz"): compress(good)
        for suffix, good in GOOD.items()
        for name, compress in COMPRESSED.items()
    }
    return found
