"""Who may import whom, where TensorFlow may be, who may unpack a config and who may print: read from the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import seqtrain
from seqtrain.config import Config

ROOT = Path(seqtrain.__file__).parent
TREES = {
    ".".join(("seqtrain", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): ast.parse(path.read_text("utf-8"))
    for path in ROOT.rglob("*.py")
}

# A room is a package or a module right below seqtrain; "seqtrain" itself is its __init__.
ANYWHERE = {"errors", "suggestion", "cores", "untrusted"}
MAY_IMPORT = {
    "errors": set(),
    "cores": set(),
    "untrusted": {"errors"},
    "suggestion": set(),
    "config": ANYWHERE,
    "text": ANYWHERE,
    "data": ANYWHERE | {"text"},
    "model": {"errors", "cores"},
    "evaluation": ANYWHERE,
    "wide": {"data", "text", "evaluation"},
    "baseline": ANYWHERE | {"data", "text", "evaluation"},
    "inference": ANYWHERE | {"text", "data", "seqtrain"},
    "run": ANYWHERE | {"config", "seqtrain"},
    "training": ANYWHERE | {"model", "data", "run"},
    "settings": ANYWHERE | {"config", "data", "text", "model", "training", "evaluation", "inference", "wide"},
    "trained": ANYWHERE | {"data", "evaluation", "inference", "in_sample", "run", "settings"},
    "in_sample": ANYWHERE | {"data", "run", "settings"},
    "weights": ANYWHERE | {"run", "settings", "text"},
    "verification": ANYWHERE
    | {"data", "text", "inference", "model", "training", "run", "settings", "trained", "weights", "wide"},
    "export": ANYWHERE
    | {
        "data",
        "text",
        "evaluation",
        "inference",
        "model",
        "training",
        "run",
        "settings",
        "trained",
        "verification",
        "seqtrain",
        "weights",
    },
    "seqtrain": ANYWHERE | {"config", "run", "trained", "pipeline"},
    "__main__": {"cli"},
}
EVERYTHING = MAY_IMPORT.keys() | {"pipeline", "cli"}
MAY_IMPORT |= {
    "pipeline": EVERYTHING - {"cli", "trained", "export", "seqtrain"},
    "cli": EVERYTHING,
}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def nodes(tree: ast.AST, *, at_import_alone: bool = False) -> Iterator[ast.AST]:
    """All of a tree but what is for type checkers alone; maybe without what runs only when it is called."""
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if not typing_only and not (later and at_import_alone):
            yield child
            yield from nodes(child, at_import_alone=at_import_alone)


def imports(module: str, *, at_import_alone: bool = False) -> set[str]:
    """What a module imports: modules of the project in full, of others the package."""
    found: set[str] = set()
    for node in nodes(TREES[module], at_import_alone=at_import_alone):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "no relative imports"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in TREES else node.module for name in names}
    return {name if name.startswith("seqtrain") else name.split(".")[0] for name in found}


def reached(module: str, seen: set[str]) -> set[str]:
    """All that is imported, at once or in turn, when a module is."""
    for name in imports(module, at_import_alone=True) - seen:
        seen.add(name)
        if name in TREES:
            reached(name, seen)
    return seen


def test_the_code_is_read_right() -> None:
    assert {"seqtrain", "seqtrain.cli", "seqtrain.data.formats.table"} <= TREES.keys()
    assert {room(module) for module in TREES} == MAY_IMPORT.keys()
    assert imports("seqtrain.training.step") >= {"tensorflow", "seqtrain.model.classifier"}
    assert "tensorflow" in reached("seqtrain.training.journal", set())
    assert "tensorflow" not in imports("seqtrain.training.runtime", at_import_alone=True)


def test_who_may_import_whom() -> None:
    strays = {
        (module, name)
        for module in TREES
        for name in imports(module)
        if name.startswith("seqtrain") and room(name) not in {room(module), *MAY_IMPORT[room(module)]}
    }
    assert strays == set()


def test_tensorflow_is_for_model_and_training() -> None:
    users = {room(module) for module in TREES if imports(module) & {"tensorflow", "keras"}}
    assert users == {"model", "training", "export", "verification"}


def test_nothing_else_imports_it_unasked() -> None:
    """At import time, that is: `pipeline` imports what trains when the data have turned out to be usable."""
    trains = {f"seqtrain.pipeline.{name}" for name in ("training", "export", "warm_start")}
    exports = {
        f"seqtrain.export.{name}"
        for name in ("network", "saved_model", "text_graph", "wide", "reload.saved_model")
    }
    asked = {*trains, *exports, "seqtrain.verification.engine"}
    others = {module for module in TREES if room(module) not in ("model", "training")} - asked
    assert {module for module in others if reached(module, set()) & {"tensorflow", "keras"}} == set()


def test_one_module_unpacks_a_config() -> None:
    sections = set(Config.model_fields)
    users = {
        module
        for module, tree in TREES.items()
        for node in nodes(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in sections
        and ast.unparse(node.value).endswith(("config", "config()", "checked"))
    }
    assert users == {"seqtrain.settings"}
    takers = {
        room(module)
        for module, tree in TREES.items()
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and "Config" in {alias.name for alias in node.names}
    }
    assert takers == {"config", "pipeline", "settings"}


def test_nothing_but_the_command_line_prints() -> None:
    talkers = {
        room(module)
        for module, tree in TREES.items()
        if not module.startswith("seqtrain.export.reload.")  # scripts, which answer the one that starts them
        and (
            imports(module) & {"click", "tqdm"}
            or any(isinstance(node, ast.Name) and node.id == "print" for node in nodes(tree))
            or any(ast.unparse(node) in ("sys.stdout", "sys.stderr.write") for node in nodes(tree))
        )
    }
    assert talkers == {"cli"}
