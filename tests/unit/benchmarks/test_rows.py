from __future__ import annotations

import pytest
from rows import Row, report, shown, summary


def test_a_summary_has_the_median_and_the_extremes():
    assert summary("start", "help", [3.0, 1.0, 2.5], "s") == Row("start", "help", 2.5, 1.0, 3.0, "s", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000"),
        (0.1234, "0.123"),
        (9.876, "9.876"),
        (12.34, "12.3"),
        (-12.34, "-12.3"),
        (1234.5, "1,234"),
    ],
)
def test_numbers_show_three_digits_or_more(value, text):
    assert shown(value) == text


def test_a_report_has_a_table_for_each_section():
    rows = [
        summary("start", "help", [0.1], "s", "cold"),
        summary("start", "predict", [0.2, 0.3, 11], "s"),
        summary("memory", "fit", [800], "MB"),
    ]
    assert report(rows) == (
        "start    median  least   most  unit  note\n"
        "help      0.100  0.100  0.100     s  cold\n"
        "predict   0.300  0.200   11.0     s\n"
        "\n"
        "memory  median  least  most  unit  note\n"
        "fit        800    800   800    MB"
    )
