from __future__ import annotations

import imports

ACCOUNT = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   numpy._core
import time:       250 |        350 | numpy
run runs/reviews (the newest; --run takes another)
import time:      1400 |       1400 | click
"""


def test_a_package_takes_what_its_modules_take_without_what_they_import():
    assert imports.milliseconds(ACCOUNT) == {"numpy": 0.35, "click": 1.4}


def test_a_profile_is_that_of_a_process(tmp_path):
    (tmp_path / "slow.py").write_text("import time; time.sleep(0.05)")
    (tmp_path / "script.py").write_text("import slow")
    found = imports.profiles({"script": [str(tmp_path / "script.py")]}, 1)["script"]
    assert next(iter(found)) == "slow"
    assert found["slow"] >= 50


def test_the_largest_are_shown_and_the_rest_is_summed():
    shown = imports.rows({f"m{number}": 20.0 - number for number in range(12)})
    assert shown[0] == ("m0", "20.0")
    assert shown[-3:] == [("m9", "11.0"), ("2 others", "19.0"), ("all", "174.0")]
