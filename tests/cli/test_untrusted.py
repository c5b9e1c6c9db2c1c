"""Runs and model files from strangers: exit 4, a reason that names the file, soon and in little memory."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import crafted
from tests.cli.command import SEQTRAIN, Result, call, seqtrain
from tests.cli.conftest import Fitted
from tests.crashes.process import forked
from tests.onnx_models import write_model

MEGABYTE = 1 << 20
MARGIN = 64 * MEGABYTE  # above what a good prediction takes, the content of the file apart
LARGER_MARGINS = {"metadata: 16 MB of short texts": 320 * MEGABYTE}  # 5 bytes each, and 60 in memory

# Of each kind, and all that is large; tests/unit/inference/test_model_file.py has all of them.
FORGED_MODELS = {
    "bytes": ("empty", "half", "zeros", "a million nodes", "a document of 100 MB", "a name of 100 MB"),
    "versions": ("another opset",),
    "graph": (
        *("custom operator", "If", "Loop", "Scan", "a function", "training", "a constant of 1 GB", "Range"),
        *("an outer product", "doubling", "a longer range", "much padding", "a list of a million"),
    ),
    "arrays": (
        *("wrong shape", "huge shape", "texts", "a secret file", "a name that climbs", "a sparse array"),
        "infinity",
    ),
    "wide path": ("more positions", "a sort of more than there are", "a huge table"),
    "metadata": (
        *("100 MB", "100 MB elsewhere", "16 MB of lists", "16 MB of short texts", "an entry twice"),
        *("a key twice", "a label more", "a word less", "a label of two lines", "a tokenizer of no words"),
    ),
}

WATCH_MEMORY = """
import os, sys
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def predict(folder: Path) -> tuple[Result, int]:
    """What `seqtrain predict` answers in the folder of a run, and the most memory that it takes, in bytes."""
    command = [*SEQTRAIN, "predict", "--run", "run", "--text", "a joy"]
    result = call([sys.executable, "-c", WATCH_MEMORY, *command], cwd=folder)
    *stdout, kilobytes = result.stdout.splitlines(keepends=True)
    return result._replace(stdout="".join(stdout)), 1024 * int(kilobytes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Has a run."""
    write_model(tmp_path / "run", crafted.GOOD)
    return tmp_path


@pytest.fixture(scope="module")
def usual_memory(tmp_path_factory: pytest.TempPathFactory) -> int:
    folder = tmp_path_factory.mktemp("good")
    write_model(folder / "run", crafted.GOOD)
    result, memory = predict(folder)
    assert (result.exit_code, result.stdout) == (0, "neutral\t0.4446\n")
    return memory


def refuses(result: Result, file: str) -> None:
    assert (result.exit_code, result.stdout) == (4, ""), result
    assert result.stderr.startswith(f"error: {file}: ")
    assert result.stderr.count("\n") in (1, 2), "a reason, and maybe a remedy"
    assert len(result.stderr) < 1000


@pytest.mark.parametrize(
    "name", [f"{kind}: {name}" for kind, names in FORGED_MODELS.items() for name in names]
)
def test_a_forged_model(folder: Path, usual_memory: int, name: str) -> None:
    forge, _ = crafted.MODELS[name]
    content = forge()
    write_model(folder / "run", content)
    result, memory = predict(folder)
    refuses(result, "run/model.onnx")
    assert memory < usual_memory + len(content) + LARGER_MARGINS.get(name, MARGIN)


def test_a_good_model_of_another_run(folder: Path) -> None:
    (folder / "run" / "model.onnx").write_bytes(crafted.with_rule(lowercase=False)())
    result, _ = predict(folder)
    refuses(result, "run/model.onnx")
    assert "it is not the file that `seqtrain fit` wrote" in result.stderr


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link": lambda path: (path.with_name("other").write_bytes(crafted.GOOD), path.symlink_to("other")),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a terabyte": sparse,
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_a_model_that_is_no_file(folder: Path, usual_memory: int, make: Callable[[Path], object]) -> None:
    model = folder / "run" / "model.onnx"
    model.unlink()
    make(model)
    result, memory = predict(folder)
    refuses(result, "run/model.onnx")
    assert memory < usual_memory + MARGIN


def test_eval_refuses_the_same(folder: Path) -> None:
    (folder / "data.tsv").write_text("pos\ta joy\n")
    write_model(folder / "run", crafted.external("../secret")())
    refuses(seqtrain("eval", "--run", "run", "--data", "data.tsv", cwd=folder), "run/model.onnx")


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
HOSTILE = {
    "run.json": {
        "no JSON": b"{",
        "a list": b"[]",
        "a key twice": b'{"status": "finished", "status": "running"}',
        "no number": b'{"seed": NaN}',
        "deep": b"[" * 1_000_000,
        "no UTF-8": b"\xff",
        "100 MB": b" " * 10**8,
        "half a character": rb'{"status": "finished", "start_folder": "\ud800"}',
        "a folder with NUL": rb'{"status": "finished", "start_folder": "a\u0000b"}',
        "a list of folders": b'{"status": "finished", "start_folder": ["a"]}',
        "a link": None,
    },
    "config.yaml": {
        "no YAML": b"data: {",
        "no config": b"[]",
        "an alias bomb": BOMB.encode(),
        "10 MB": b"# much ado\n" * 10**6,
        "code": b"!!python/object/apply:os.system ['touch forged']",
        "deep": b"[" * 100_000,
        "no UTF-8": b"\xff",
        "a link": None,
    },
}
FORGED = [(file, name) for file, contents in HOSTILE.items() for name in contents]


def forge(path: Path, content: bytes | None) -> None:
    """Another content; None for a link to a device without end."""
    path.unlink()
    if content is None:
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(content)


@pytest.mark.parametrize(("file", "name"), FORGED)
def test_eval_of_a_forged_run(fitted: Fitted, tmp_path: Path, file: str, name: str) -> None:
    shutil.copytree(fitted.folder, tmp_path / "project")
    forge(tmp_path / "project" / "runs" / "reviews" / file, HOSTILE[file][name])
    result = forked("eval", "--run", "runs/reviews", cwd=tmp_path / "project")
    assert result.exit_code == 4, result
    assert result.stderr.startswith((f"error: runs/reviews/{file}:", "error: runs/reviews: holds no run"))
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "project" / "forged").exists()


CHECKPOINT = {
    "manifest.json": {
        "no JSON": b"{",
        "a list": b"[]",
        "a key twice": b'{"progress": 1, "progress": 2}',
        "deep": b"[" * 50_000,
        "100 MB": b" " * 10**8,
        "a link": None,
    },
    "state.safetensors": {
        "empty": b"",
        "zeros": bytes(1000),
        "a header of 2^63 bytes": b"\xff" * 7 + b"\x7f" + bytes(1000),
        "a link": None,
    },
}


@pytest.mark.parametrize(("file", "name"), [(file, name) for file in CHECKPOINT for name in CHECKPOINT[file]])
def test_going_on_from_forged_checkpoints(fitted: Fitted, tmp_path: Path, file: str, name: str) -> None:
    shutil.copytree(fitted.folder, tmp_path / "project")
    for folder in (tmp_path / "project" / "runs" / "reviews" / "checkpoints").iterdir():
        forge(folder / file, CHECKPOINT[file][name])
    command = ("fit", "configs/reviews.yaml", "--resume", "--set", "training.epochs=3")
    result = forked(*command, cwd=tmp_path / "project")
    assert result.exit_code == 4, result
    assert f"/{file}: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["metrics.jsonl", "run.log"])
def test_going_on_with_a_pipe_in_place_of_a_file(fitted: Fitted, tmp_path: Path, name: str) -> None:
    shutil.copytree(fitted.folder, tmp_path / "project")
    (tmp_path / "project" / "runs" / "reviews" / name).unlink()
    os.mkfifo(tmp_path / "project" / "runs" / "reviews" / name)
    command = ("fit", "configs/reviews.yaml", "--resume", "--set", "training.epochs=3")
    result = forked(*command, cwd=tmp_path / "project")
    assert result.exit_code == 4
    assert f"\nerror: runs/reviews/{name}: cannot be written: " in result.stderr


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/step-000019"])
def test_going_on_where_a_link_leads_out_of_the_run(fitted: Fitted, tmp_path: Path, name: str) -> None:
    """What it leads to must not be deleted as an old checkpoint."""
    shutil.copytree(fitted.folder, tmp_path / "project")
    (tmp_path / "elsewhere" / "step-000001").mkdir(parents=True)
    shutil.rmtree(tmp_path / "project" / "runs" / "reviews" / name)
    (tmp_path / "project" / "runs" / "reviews" / name).symlink_to(tmp_path / "elsewhere")
    command = ("fit", "configs/reviews.yaml", "--resume", "--set", "training.epochs=3")
    refuses(forked(*command, cwd=tmp_path / "project"), f"runs/reviews/{name}")
    assert os.listdir(tmp_path / "elsewhere") == ["step-000001"]
