"""Loads the scripts under data/, which are no part of the package."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

DATA = Path(__file__).parents[3] / "data"


def load_script(name: str) -> ModuleType:
    """The module in the file data/<name>."""
    spec = spec_from_file_location(Path(name).stem, DATA / name)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
