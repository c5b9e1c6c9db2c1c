from __future__ import annotations

import jobs
import pytest

SCRIPT = """
import json, sys, time
print(json.dumps({"step": int(sys.argv[1]), "at": time.time()}), flush=True)
time.sleep(0.5)
print(json.dumps({"step": 2, "at": time.time(), "uncounted": 0.5}))
"""


def test_seconds_run_from_the_start_of_the_process_without_what_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setattr(jobs, "FOLDER", tmp_path)
    first, second = jobs.told("script", 1)
    assert (first["step"], second["step"]) == (1, 2)
    assert 0.005 < first["seconds"] < 10
    assert second["seconds"] == pytest.approx(first["seconds"], abs=0.4)


def test_a_script_that_fails_ends_the_benchmark(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text("raise ValueError('no such file')")
    monkeypatch.setattr(jobs, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match="no such file"):
        jobs.told("script")
