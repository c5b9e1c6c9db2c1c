"""Values of a config that may take more than one form: files, shares, columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from seqtrain.config.problems import shown


def _paths(value: Any) -> Any:
    """A file name or pattern, or a list of them; `Path` objects become text."""
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("is an empty list. Name at least one file.")
        return [_path(item) for item in value]
    return _path(value)


def _path(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a file name. Put a name that looks like a number in quotes.")
    if not value or "\0" in value:
        raise ValueError(
            f"{shown(value)} is not a file name. Write a path or a pattern such as 'data/*.tsv'."
        )
    return value


def _paths_or_share(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, str) and value.rstrip().endswith("%"):
            raise ValueError(f"{shown(value)} is not a share. Write a number such as 0.1.")
        return _paths(value)
    if not 0 < value < 1:
        raise ValueError(
            f"{shown(value)} is not a share between 0 and 1. Write one such as 0.1, or a file name."
        )
    return float(value)


def _column(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError(f"{shown(value)} is not a column. Write its name, or its number counted from 0.")
    if isinstance(value, int) and value < 0:
        raise ValueError(f"{shown(value)} is not a column. Count columns from 0.")
    return value


def _columns(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return _column(value)
    if not value:
        raise ValueError("is an empty list. Name at least one column.")
    return [_column(item) for item in value]


def _class_weights(value: Any) -> Any:
    if value is None or value == "balanced":
        return value
    weights = value if isinstance(value, Mapping) else {}
    if not weights or any(
        isinstance(weight, bool) or not _is_positive(weight) for weight in weights.values()
    ):
        raise ValueError(
            f"{shown(value)} is neither balanced nor a positive number for each label. Write one such as {{pos: 2}}."
        )
    return {str(label): float(weight) for label, weight in weights.items()}


def _is_positive(number: Any) -> bool:
    return isinstance(number, int | float) and 0 < number < float("inf")


def listed(value: Any) -> list[Any]:
    """A list as it is, anything else as the one item of a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


ClassWeights = Annotated[Literal["balanced"] | dict[str, float], BeforeValidator(_class_weights)]
OnePath = Annotated[str, BeforeValidator(_path)]
Paths = Annotated[str | list[str], BeforeValidator(_paths)]
PathsOrShare = Annotated[str | list[str] | float, BeforeValidator(_paths_or_share)]
Column = Annotated[int | str, BeforeValidator(_column)]
ColumnOrColumns = Annotated[int | str | list[int | str], BeforeValidator(_columns)]
