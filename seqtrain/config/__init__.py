"""The configuration of a run: read, checked as a whole, written out.

Importing it imports neither NumPy nor TensorFlow, so that a mistake in a config is reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seqtrain.config import yaml_source
from seqtrain.config.layers import Layers
from seqtrain.config.problems import translate
from seqtrain.config.schema import Config

__all__ = ["Config", "config_from", "explained", "load_config", "resolved"]


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and then the overrides `a.b=c`, of which the last one counts most.

    Raises UsageError with a line per problem, all of them at once.
    """
    return _checked(Layers.of_file(Path(path)), overrides)


def config_from(values: Mapping[str, Any], overrides: Sequence[str] = ()) -> Config:
    """The same from a mapping of sections, such as `{"data": {"train": "train.tsv", "dev": 0.1}}`."""
    return _checked(Layers.of_mapping(values), overrides)


def resolved(config: Config) -> str:
    """The config as YAML with every default written out, and each override as a comment where it took effect."""
    return yaml_source.write(config.model_dump(), config.origins)


def explained(path: str | Path, overrides: Sequence[str] = ()) -> str:
    """The same of a file and overrides, with the origin of each value as a comment: `FILE:LINE`, `--set …`, `default`.

    Raises what `load_config` raises.
    """
    layers = Layers.of_file(Path(path))
    values = _checked(layers, overrides).model_dump()
    return yaml_source.write(values, dict(layers.origins(values)))


def _checked(layers: Layers, overrides: Sequence[str]) -> Config:
    for position, override in enumerate(overrides):
        layers.override(override, position, Config)
    try:
        config = Config.model_validate({"data": {}, **layers.values})
    except ValidationError as error:
        raise layers.error(translate(error, Config)) from error
    if layers.problems:
        raise layers.error()
    return config.with_origins(layers.overrides)
