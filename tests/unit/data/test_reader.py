"""The reader through its front door: what was written comes back, and what is broken is named and skipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtrain.data.reader import BadRow, Columns, Example, read, read_stream
from seqtrain.errors import DataError, UsageError
from tests.unit.data.scripts import DATA

Pairs = list[tuple[str, str]]

# U+0085, U+2028 and friends end a line for str.splitlines, and U+FEFF is a byte order mark only at the start.
SIGNS = st.one_of(st.sampled_from("ab ,\"'\\|_é中😀’\u00a0\u0085\u2028\u2029\ufeff\x1c\v\f"), st.characters())
TEXTS = st.text(SIGNS, min_size=1).filter(lambda text: text.strip() and "\0" not in text)
LABELS = st.text(st.sampled_from('ab,"中 -'), min_size=1).filter(lambda label: label == label.strip())


def pairs(texts: st.SearchStrategy[str], labels: st.SearchStrategy[str] = LABELS) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(labels, texts.filter(encodable)), min_size=1, max_size=6)


def encodable(text: str) -> bool:
    return text.encode(errors="replace").decode() == text


def parse(
    data: bytes,
    format: str,
    *,
    labelled: bool = True,
    limit: int = 1000,
    columns: Columns | None = None,
    keep=(),
):
    stream = io.BytesIO(data)
    options = {"format": format, "labelled": labelled, "columns": columns, "keep": keep}
    return list(read_stream(stream, "f", **options, max_line_bytes=limit))


def content(rows: list[Example | BadRow]) -> Pairs:
    assert all(isinstance(row, Example) for row in rows), rows
    return [(row.label, row.text) for row in rows]


def texts_of(rows: list[Example | BadRow]) -> list[str]:
    return [text for _, text in content(rows)]


def bad(rows: list[Example | BadRow]) -> list[tuple[int, str]]:
    return [(row.line, row.kind) for row in rows if isinstance(row, BadRow)]


# Writers that know nothing of the reader.


def as_csv(rows: Pairs, end: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows: Pairs, ensure_ascii: bool) -> bytes:
    objects = [{"label": label, "other": [1], "text": text} for label, text in rows]
    return "\n".join(json.dumps(each, ensure_ascii=ensure_ascii) for each in objects).encode()


class TestRoundTrip:
    ends = st.sampled_from([b"\n", b"\r\n"])
    marks = st.sampled_from([b"", b"\xef\xbb\xbf"])

    @given(pairs(TEXTS.filter(lambda text: not set(text) & set("\t\n\r"))), ends, marks, st.booleans())
    def test_tsv(self, rows: Pairs, end: bytes, mark: bytes, last_end: bool) -> None:
        lines = [f"{label}\t{text}".encode() for label, text in rows]
        data = mark + end.join(lines) + (end if last_end else b"")
        assert content(parse(data, ".tsv")) == rows

    @given(
        pairs(TEXTS.filter(lambda text: "\r" not in text)),
        st.sampled_from(["\n", "\r\n"]),
        marks,
        st.booleans(),
    )
    def test_csv(self, rows: Pairs, end: str, mark: bytes, quote_all: bool) -> None:
        data = mark + as_csv(rows, end, csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
        assert content(parse(data, ".csv")) == rows

    @given(pairs(TEXTS), st.booleans(), marks)
    def test_jsonl(self, rows: Pairs, ensure_ascii: bool, mark: bytes) -> None:
        assert content(parse(mark + as_jsonl(rows, ensure_ascii), ".jsonl", limit=100_000)) == rows

    @given(
        pairs(
            TEXTS.filter(lambda text: not set(text) & set("\n\r") and "__label__" not in text),
            LABELS.filter(lambda label: " " not in label),
        ),
        ends,
    )
    def test_fasttext(self, rows: Pairs, end: bytes) -> None:
        data = b"".join(f"__label__{label} {text}".encode() + end for label, text in rows)
        assert content(parse(data, ".txt")) == rows

    @given(
        st.lists(st.text(SIGNS).filter(lambda text: encodable(text) and not set(text) & set("\n\r\0"))), ends
    )
    def test_plain_text_keeps_every_line(self, lines: list[str], end: bytes) -> None:
        data = b"\xef\xbb\xbf" + b"".join(line.encode() + end for line in lines)
        rows = parse(data, ".txt", labelled=False)
        assert [(row.text, row.label, row.line) for row in rows] == [
            (line, None, number) for number, line in enumerate(lines, 1)
        ]

    @pytest.mark.parametrize("suffix", [".tsv", ".TSV"])
    def test_gz_on_top(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"rows{suffix}.gz"
        path.write_bytes(gzip.compress("pos\tça va\n".encode()))
        rows = list(read(path, columns=None, labelled=True, max_line_bytes=99))
        assert rows == [Example("ça va", "pos", 1.0, str(path), 1)]

    def test_a_csv_line_end_inside_quotes_is_one_lf_and_the_line_is_the_first(self) -> None:
        rows = parse(b'pos,"a\r\n\r\nb"\r\nneg,c\r\n', ".csv")
        assert [(row.text, row.line) for row in rows] == [("a\n\nb", 1), ("c", 4)]

    def test_a_quote_inside_an_unquoted_cell_is_a_sign_like_any_other(self) -> None:
        assert content(parse(b'pos,a 9" tv\n', ".csv")) == [("pos", 'a 9" tv')]
        assert content(parse(b'pos\t"a" "\n', ".tsv")) == [("pos", '"a" "')]

    def test_files_come_in_order_and_each_row_knows_its_own(self, tmp_path: Path) -> None:
        for name, text in [("b.tsv", "pos\tone\n"), ("a.jsonl", '{"label": "neg", "text": "two"}\n')]:
            (tmp_path / name).write_text(text)
        files = [str(tmp_path / "b.tsv"), str(tmp_path / "a.jsonl")]
        rows = list(read(files, columns=None, labelled=True, max_line_bytes=99))
        assert [(row.file, row.text) for row in rows] == list(zip(files, ["one", "two"], strict=True))


GOOD = {
    ".tsv": b"pos\tfine",
    ".csv": b"pos,fine",
    ".jsonl": b'{"label": "pos", "text": "fine"}',
    ".txt": b"__label__pos fine",
}
FAULTS = [
    (".tsv", b"only text", "missing column"),
    (".tsv", b"pos\ta\tb", "extra column"),
    (".tsv", b"pos\t", "empty text"),
    (".tsv", "pos\t \u00a0".encode(), "empty text"),
    (".tsv", b" \tfine", "empty label"),
    (".tsv", b"pos\tcaf\xe9", "undecodable bytes"),
    (".tsv", b"pos\t\xed\xa0\x80", "undecodable bytes"),
    (".tsv", b"pos\ta\0b", "NUL"),
    (".tsv", b"a\x01b\tfine", "bad label"),
    (".tsv", b"", "empty line"),
    (".tsv", b"   ", "missing column"),
    (".tsv", b"pos\t" + b"x" * 200, "line too long"),
    (".csv", b"text", "missing column"),
    (".csv", b"pos,a,b", "extra column"),
    (".csv", b'pos,""', "empty text"),
    (".csv", b'"",fine', "empty label"),
    (".csv", b'"a\tb",fine', "bad label"),
    (".csv", b'pos,"a" b', "stray quote"),
    (".csv", b'pos,"never closed', "unclosed quote"),
    (".csv", b'"pos","never ""closed""', "unclosed quote"),
    (".csv", b'pos,"caf\xe9"', "undecodable bytes"),
    (".csv", b'pos,"\0"', "NUL"),
    (".csv", b"pos,caf\xe9", "undecodable bytes"),
    (".csv", b"pos,a\0b", "NUL"),
    (".csv", b"pos," + b"x" * 200, "line too long"),
    (".csv", b"", "empty line"),
    (".jsonl", b'{"label": "pos", "text": "fine"', "broken JSON"),
    (".jsonl", b'{"label": "pos", "text": "fine"} {}', "broken JSON"),
    (".jsonl", b"[" * 90, "broken JSON"),
    (".jsonl", b'["pos", "fine"]', "wrong JSON type"),
    (".jsonl", b'{"label": null, "text": "fine"}', "wrong JSON type"),
    (".jsonl", b'{"label": 1.5, "text": "fine"}', "wrong JSON type"),
    (".jsonl", b'{"label": "pos", "text": 7}', "wrong JSON type"),
    (".jsonl", b'{"label": "pos"}', "missing column"),
    (".jsonl", b'{"text": "fine"}', "missing column"),
    (".jsonl", b'{"label": "pos", "text": ""}', "empty text"),
    (".jsonl", b'{"label": "", "text": "fine"}', "empty label"),
    (".jsonl", b'{"label": "a\\nb", "text": "fine"}', "bad label"),
    (".jsonl", b'{"label": "pos", "text": "\\ud83d"}', "undecodable bytes"),
    (".jsonl", b'{"label": "pos", "text": "a\\u0000"}', "NUL"),
    (".jsonl", b'{"label": "pos", "text": "\0"}', "NUL"),
    (".jsonl", b'{"label": "pos", "text": "caf\xe9"}', "undecodable bytes"),
    (".jsonl", b'{"label": "pos", "text": "' + b"x" * 200 + b'"}', "line too long"),
    (".jsonl", b"", "empty line"),
    (".txt", b"fine", "empty label"),
    (".txt", b"__label__ fine", "empty label"),
    (".txt", b"__label__pos", "empty text"),
    (".txt", b"__label__pos __label__neg fine", "several labels"),
    (".txt", b"__label__pos fine\t__label__neg", "several labels"),
    (".txt", b"__label__pos caf\xe9", "undecodable bytes"),
    (".txt", b"__label__pos a\0b", "NUL"),
    (".txt", b"__label__a\x01b fine", "bad label"),
    (".txt", b"__label__pos " + b"x" * 200, "line too long"),
    (".txt", b"", "empty line"),
]


class TestBadRows:
    @pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
    @pytest.mark.parametrize(("format", "fault", "kind"), FAULTS)
    def test_is_reported_with_its_line_and_the_others_survive(
        self, format: str, fault: bytes, kind: str, end: bytes
    ) -> None:
        lines = [GOOD[format], GOOD[format], fault, GOOD[format], fault, fault, GOOD[format]]
        rows = parse(end.join(lines) + end, format, limit=150)
        assert bad(rows) == [(3, kind), (5, kind), (6, kind)]
        assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6, 7]
        whole = fault if len(fault) <= 150 else fault[:150] + "…".encode()
        assert [row.row for row in rows] == [whole if row.line in (3, 5, 6) else GOOD[format] for row in rows]
        assert content([row for row in rows if isinstance(row, Example)]) == [("pos", "fine")] * 4

    @given(st.data())
    def test_any_mixture_of_faults_is_reported_line_by_line(self, data: st.DataObject) -> None:
        format = data.draw(st.sampled_from(list(GOOD)))
        good = (GOOD[format], None)
        faults = [(fault, kind) for suffix, fault, kind in FAULTS if suffix == format and "quote" not in kind]
        lines = [good, *data.draw(st.lists(st.sampled_from([good, *faults]))), good]
        rows = parse(b"\n".join(line for line, _ in lines), format, limit=150)
        assert bad(rows) == [(number, kind) for number, (_, kind) in enumerate(lines, 1) if kind]

    @pytest.mark.parametrize(
        ("format", "row", "kind", "rest"),
        [
            (".tsv", "é\ta\0b".encode(), "NUL", b"\0b"),
            (".tsv", "é\té".encode() + b"\xff\xfe", "undecodable bytes", b"\xff\xfe"),
            (".tsv", "pos\té\ta".encode(), "extra column", b"a"),
            (".tsv", "é\t \t".encode(), "extra column", b""),
            (".tsv", "é\t ".encode(), "empty text", b" "),
            (".tsv", b'"a\x01"\tfine', "bad label", b'"a\x01"\tfine'),
            (".tsv", b"pos", "missing column", None),
            (".csv", b'"a, b",\0', "NUL", b"\0"),
            (".csv", b'"a\n b","\xff"', "undecodable bytes", b'\xff"'),
            (".csv", "é,x,y".encode(), "extra column", b"y"),
            (".csv", b'"pos",""', "empty text", None),
            (".csv", b'pos,"a"b', "stray quote", b"b"),
            (".csv", b'pos,"a', "unclosed quote", b'"a'),
            (".csv", b'"a\nb","c', "unclosed quote", None),
            (".jsonl", '{"é": 1 x}'.encode(), "broken JSON", b"x}"),
            (".jsonl", b"[1]", "wrong JSON type", None),
            (".txt", "é".encode(), "empty label", "é".encode()),
            (".txt", "__label__é é __label__b".encode(), "several labels", b"__label__b"),
            (".txt", b"", "empty line", b""),
        ],
    )
    def test_the_column_is_the_byte_where_the_fault_begins(
        self, format: str, row: bytes, kind: str, rest: bytes | None
    ) -> None:
        found = parse(GOOD[format] + b"\n" + row + b"\n" + GOOD[format], format)[1]
        assert isinstance(found, BadRow)
        assert found.kind == kind
        column = None if rest is None else len(row) - len(rest) + 1
        assert (found.column, str(found).split(" ")[0]) == (column, f"f:2:{f'{column}:' if column else ''}")

    def test_a_label_that_is_as_long_as_a_text(self) -> None:
        longest, longer = parse(b"a" * 1000 + b"\tfine\n" + b"a" * 1001 + b"\tfine\n", ".tsv", limit=2000)
        assert isinstance(longest, Example)
        assert isinstance(longer, BadRow)
        assert longer.kind == "bad label"

    @pytest.mark.parametrize(("format", "separator"), [(".tsv", b"\t"), (".csv", b",")])
    def test_the_column_of_a_weight(self, format: str, separator: bytes) -> None:
        row = separator.join(["é".encode(), b"fine", b"0"])
        (found,) = parse(row, format, columns=Columns(0, 1, 2))
        assert str(found) == "f:1:9: weight '0' is not a number above zero"

    def test_a_bad_row_of_several_lines_comes_with_all_of_them(self) -> None:
        rows = parse(b'pos,fine\npos,"a\r\nb",c\nneg,"a\n\nb"\r\n', ".csv")
        assert [row.row for row in rows] == [b"pos,fine", b'pos,"a\r\nb",c', b'neg,"a\n\nb"']
        assert bad(rows) == [(2, "extra column")]

    def test_what_a_file_holds_is_cut_in_messages(self) -> None:
        """A cell may have a megabyte, and controls that a terminal would follow."""
        columns = Columns(0, 1, 2)
        data = [f"{'x' * 500}\x1b\tfine\t1", f"pos\tfine\t\x1b{'9' * 500}", "\x1b" * 300 + "\ta\tb\tc"]
        for row in parse("\n".join(data).encode(), ".tsv", columns=columns):
            assert len(str(row)) < 400
            assert str(row).isprintable()
        with pytest.raises(DataError) as caught:
            parse(("\x1b" * 900 + "\tx" * 900).encode(), ".tsv", columns=Columns("l", "t"), limit=9999)
        assert len(str(caught.value)) < 500
        assert "\x1b" not in str(caught.value)

    def test_message_says_where_what_and_what_to_do(self) -> None:
        rows = parse(b"pos\ta\npos a\npos\ta\tb\n", ".tsv")
        rule = "a tab separates columns and cannot be part of a text"
        assert list(map(str, rows[1:])) == [
            f"f:2: 1 column where line 1 has 2; {rule}",
            f"f:3:7: 3 columns where line 1 has 2; {rule}",
        ]

    def test_brackets_without_end_are_broken_json(self) -> None:
        assert bad(parse(b"[" * 200_000, ".jsonl", limit=300_000)) == [(1, "broken JSON")]

    def test_a_bad_first_row_does_not_set_the_number_of_columns(self) -> None:
        rows = parse(b"a title\npos\tfine\tx\npos\tfine\n", ".tsv")
        assert bad(rows) == [(1, "missing column"), (3, "missing column")]

    def test_a_quote_that_is_never_closed_costs_its_own_row_alone(self) -> None:
        rows = parse(b'pos,"open\n' + b"pos,fine\n" * 300, ".csv", limit=1000)
        assert bad(rows) == [(1, "unclosed quote")]
        assert [row.line for row in rows] == list(range(1, 302))

    def test_a_line_over_the_limit_ends_a_quoted_cell(self) -> None:
        rows = parse(b'pos,"open\n' + b"x" * 200 + b"\npos,fine\n", ".csv", limit=100)
        assert bad(rows) == [(1, "unclosed quote"), (2, "line too long")]

    def test_empty_lines_at_the_end_are_none(self) -> None:
        assert content(parse(b"pos\tfine\r\n\r\n\n", ".tsv")) == [("pos", "fine")]


class TestUnlabelled:
    @pytest.mark.parametrize("format", list(GOOD))
    def test_every_line_is_a_record(self, format: str) -> None:
        rows = parse(b"\n" + GOOD[format] + b"\n\n" + GOOD[format] + b"\n\n", format, labelled=False)
        assert [row.line for row in rows] == [1, 2, 3, 4, 5]
        assert [row.text == "" for row in rows] == [True, False, True, False, True]

    def test_labels_and_weights_may_be_absent_and_texts_empty(self) -> None:
        columns = Columns(label="label", text="text", weight="weight")
        assert texts_of(parse(b"text\n\nx\n", ".tsv", labelled=False, columns=columns)) == ["", "x"]
        assert texts_of(parse(b'{"text": ""}\n', ".jsonl", labelled=False, columns=columns)) == [""]

    def test_a_table_of_one_column_is_texts(self) -> None:
        assert texts_of(parse(b"a b\nc\n", ".tsv", labelled=False)) == ["a b", "c"]
        assert bad(parse(b"a b\nc\td\n", ".tsv", labelled=False)) == [(2, "extra column")]

    def test_a_label_column_is_passed_over(self) -> None:
        assert content(parse(b"pos\ta\n\tb\n", ".tsv", labelled=False)) == [(None, "a"), (None, "b")]

    @pytest.mark.parametrize("format", list(GOOD))
    def test_no_input_is_no_record(self, format: str) -> None:
        assert parse(b"", format, labelled=False) == []


class TestColumns:
    def test_names_come_from_the_header(self) -> None:
        columns = Columns(label="stars", text=("title", "body"), weight="weight")
        rows = parse(b'weight,body,stars,title\n0.5,"b, c",5,a\n', ".csv", columns=columns)
        assert rows == [Example("a b, c", "5", 0.5, "f", 2)]

    def test_numbers_mean_that_there_is_no_header(self) -> None:
        columns = Columns(label=2, text=(3, 0), weight=1)
        assert parse(b"a\t2\tpos\tb\n", ".tsv", columns=columns) == [Example("b a", "pos", 2.0, "f", 1)]

    def test_keys_of_json_objects(self) -> None:
        columns = Columns(label="y", text=("a", "b"), weight="w")
        assert parse(b'{"b": "2", "a": "1", "y": "n", "w": 3}\n', ".jsonl", columns=columns) == [
            Example("1 2", "n", 3.0, "f", 1)
        ]

    @pytest.mark.parametrize(
        ("value", "label"), [("1", "1"), ("-20", "-20"), ("true", "true"), ('" x "', "x")]
    )
    def test_json_labels_that_are_no_strings(self, value: str, label: str) -> None:
        data = f'{{"label": {value}, "text": "a"}}'.encode()
        assert content(parse(data, ".jsonl")) == [(label, "a")]

    @pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e999", "1e-60", "", "x", "1_0", "٣", " 1"])
    def test_a_weight_is_a_number_above_zero(self, weight: str) -> None:
        columns = Columns(label=0, text=1, weight=2)
        for format, separator in [(".tsv", "\t"), (".csv", ",")]:
            lines = [separator.join(["pos", "fine", cell]) for cell in ("2.5e-1", weight)]
            rows = parse("\n".join(lines).encode(), format, columns=columns)
            assert rows[0].weight == 0.25
            assert bad(rows) == [(2, "bad weight")]

    @pytest.mark.parametrize(
        ("weight", "kind"),
        [
            ("0", "bad weight"),
            ("NaN", "bad weight"),
            ("1" + "0" * 400, "bad weight"),
            ('"1"', "wrong JSON type"),
        ],
    )
    def test_a_json_weight_is_a_number_above_zero(self, weight: str, kind: str) -> None:
        columns = Columns(label="label", text="text", weight="w")
        data = f'{{"label": "pos", "text": "fine", "w": {weight}}}'.encode()
        assert bad(parse(data, ".jsonl", columns=columns)) == [(1, kind)]


def kept(data: bytes, format: str, *keep: int | str, columns: Columns | None = None) -> list[Any]:
    """The text and the kept values of each row of unlabelled data."""
    rows = parse(data, format, labelled=False, columns=columns, keep=keep)
    assert all(isinstance(row, Example) for row in rows), rows
    return [(row.text, *row.kept) for row in rows]


class TestKept:
    """Columns that are carried along."""

    @pytest.mark.parametrize(("format", "separator"), [(".tsv", "\t"), (".csv", ",")])
    def test_numbers_leave_a_table_without_a_header(self, format: str, separator: str) -> None:
        data = separator.join(["l", "a", "7"]).encode()
        assert kept(data, format, 2, 0, 1, 2) == [("a", "7", "l", "a", "7")]

    @pytest.mark.parametrize(("format", "separator"), [(".tsv", "\t"), (".csv", ",")])
    def test_a_name_needs_a_header(self, format: str, separator: str) -> None:
        data = "\n".join([separator.join(["x", "y", "id"]), separator.join(["l", "a", "7"])]).encode()
        assert kept(data, format, "id") == [("a", "7")]
        assert kept(data, format, "id", 0, columns=Columns(None, "x")) == [("l", "7", "l")]

    def test_a_cell_of_several_lines(self) -> None:
        assert kept(b'"a\n""b""",x\r\n', ".csv", 0) == [("x", 'a\n"b"')]

    def test_the_texts_of_a_table_of_one_column(self) -> None:
        assert kept(b"a\n\n", ".tsv", 0) == [("a", "a"), ("", "")]
        assert kept(b"review\na\n", ".tsv", "review") == [("a", "a")]
        (row,) = parse(b"a\n", ".tsv", labelled=False, keep=(1,))
        assert str(row).startswith("f:1: 1 column where 2 are needed")

    def test_json_values_keep_their_types(self) -> None:
        data = b'{"text": "a", "id": 7, "more": {"x": [1.5, null, true, "\\u0000"]}}\n\n'
        assert kept(data, ".jsonl", "id", "more") == [
            ("a", 7, {"x": [1.5, None, True, "\0"]}),
            ("", "", ""),
        ]

    def test_plain_text_has_one_column(self) -> None:
        assert kept("é\n\n".encode(), ".txt", "text", 0) == [("é", "é", "é"), ("", "", "")]

    @pytest.mark.parametrize(
        ("row", "kind"),
        [
            ('{"text": "a"}', "missing column"),
            (r'{"text": "a", "id": ["\ud800"]}', "undecodable bytes"),
            (r'{"text": "a", "id": {"\udfff": 1}}', "undecodable bytes"),
        ],
    )
    def test_a_record_whose_value_cannot_be_carried_is_bad(self, row: str, kind: str) -> None:
        assert bad(parse(row.encode(), ".jsonl", labelled=False, keep=("id",))) == [(1, kind)]

    @pytest.mark.parametrize(
        ("data", "format", "keep", "problem"),
        [
            (b"l\tt\na\tb\n", ".tsv", "id", "f:1: the header has no column 'id'\n  It has l, t."),
            (b"{}", ".jsonl", 0, "f: JSON objects have keys, not column numbers"),
            (b"a", ".txt", "id", "f: plain text has no column 'id'\n  Its only column is 'text'."),
            (b"a", ".txt", 1, "f: plain text has no column 1"),
        ],
    )
    def test_a_column_that_a_file_cannot_have(
        self, data: bytes, format: str, keep: int | str, problem: str
    ) -> None:
        with pytest.raises(DataError) as caught:
            parse(data, format, labelled=False, keep=(keep,))
        assert problem in str(caught.value)


def check(problem: str, data: bytes, format: str, columns: Columns | None = None) -> Callable[[], None]:
    return pytest.param(problem, data, format, columns, id=problem)


class TestFiles:
    @pytest.mark.parametrize(
        ("problem", "data", "format", "columns"),
        [
            check("f: no rows to read", b"", ".tsv"),
            check("f: no rows to read", b"\xef\xbb\xbf\n\n", ".tsv"),
            check("f: no rows to read", b"l\tt\n", ".tsv", Columns("l", "t")),
            check("f:1: no header", b"", ".tsv", Columns("l", "t")),
            check("f:1: no header", b"\nx\n", ".csv", Columns("l", "t")),
            check("f:1:3: the header cannot be read: byte 0xff", b"l,\xff\n", ".csv", Columns("l", "t")),
            check(
                "f:1: the header has no column 'text'\n  It has l, texts. Did you mean 'texts'?",
                b"l,texts",
                ".csv",
                Columns("l", "text"),
            ),
            check("f:1: the header has more than one column 't'", b"l\tt\tt\n", ".tsv", Columns("l", "t")),
            check("f:1: the header has 2 columns where 4 are needed", b"l\tt\n", ".tsv", Columns("l", 3)),
            check("f: JSON objects have keys, not column numbers", b"{}", ".jsonl", Columns(0, 1)),
            check("f: fastText lines have no weight", b"__label__a b", ".txt", Columns(0, 1, 2)),
            check("f: is UTF-16", "pos\tfine\n".encode("utf-16"), ".tsv"),
            check("f: is gzip data", gzip.compress(b"pos\tfine\n"), ".tsv"),
        ],
    )
    def test_trouble_with_a_whole_file(
        self, problem: str, data: bytes, format: str, columns: Columns | None
    ) -> None:
        with pytest.raises(DataError) as caught:
            parse(data, format, columns=columns)
        assert problem in str(caught.value)

    def test_labelled_data_needs_a_label_column(self) -> None:
        with pytest.raises(UsageError, match=r"data\.columns has no label"):
            parse(b"text\n", ".tsv", columns=Columns(label=None, text=0))

    def test_a_format_that_is_given_overrules_the_name_but_for_gz(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("pos\tfine\n")
        (tmp_path / "b.gz").write_bytes(gzip.compress(b"pos\tfine\n"))
        for name in ("a.txt", "b.gz"):
            rows = read(tmp_path / name, columns=None, labelled=True, max_line_bytes=99, format=".tsv")
            assert content(list(rows)) == [("pos", "fine")]

    def test_names_and_formats_are_checked_before_the_first_row_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("pos\tfine\n")
        (tmp_path / "b.xml").write_text("<text/>")
        with pytest.raises(DataError, match=r"b\.xml: unknown format\n.*\.tsv, \.csv, \.jsonl, \.txt"):
            read([tmp_path / "a.tsv", tmp_path / "b.xml"], columns=None, labelled=True, max_line_bytes=99)
        with pytest.raises(DataError, match=r"c\.tsv: no such file"):
            read([tmp_path / "a.tsv", tmp_path / "c.tsv"], columns=None, labelled=True, max_line_bytes=99)


class TestDocumentation:
    """docs/formats.md: its examples read as it says, and it knows every kind of bad row."""

    page = (DATA.parent / "docs" / "formats.md").read_text(encoding="utf-8")

    def test_examples(self) -> None:
        examples = re.findall(r"```(tsv|csv|jsonl|txt)\n(.*?)```", self.page, re.DOTALL)
        tsv, csv, named, jsonl, fasttext, plain = [(text.encode(), f".{format}") for format, text in examples]
        plainly = [("pos", "a joy to watch"), ("neg", "two hours of my life")]
        assert content(parse(*tsv)) == content(parse(*fasttext)) == plainly
        assert content(parse(*csv)) == [plainly[0], ("neg", "two hours of my life, gone")]
        assert content(parse(*jsonl)) == [plainly[0], ("neg", "two hours\nof my life")]
        assert texts_of(parse(*plain, labelled=False)) == ["a joy to watch", "", "two hours of my life"]
        rows = parse(*named, columns=Columns("stars", ("title", "body"), "weight"))
        assert content(rows) == [
            ("good", "Fine does what it says"),
            ("bad", 'Broken arrived in "two" pieces'),
        ]
        assert [row.weight for row in rows] == [1.0, 0.5]

    def test_kinds_of_bad_rows(self) -> None:
        table = self.page.split("| kind | when |")[1].split("\n\n")[0]
        kinds = [
            kind
            for cell in re.findall(r"^\| ([a-zA-Z, ]+) \|", table, re.MULTILINE)
            for kind in cell.split(", ")
        ]
        assert sorted(kinds) == sorted({kind for _, _, kind in FAULTS} | {"bad weight", "unknown label"})
