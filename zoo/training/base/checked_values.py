"""Checks of what a configuration says: YAML gives any kind of value under any key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["check_families", "check_file_name", "checked_mapping", "is_number", "is_whole"]


def is_number(value: object) -> bool:
    """Return whether it is a whole or decimal number, and neither infinite nor NaN.

    A truth value is no number here, though Python counts it as one.
    """
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def is_whole(value: object, least: int) -> bool:
    """Return whether it is a whole number, not a truth value, of at least ``least``."""
    return type(value) is int and value >= least


def checked_mapping(key: str, value: object) -> Mapping[Any, Any]:
    """Return the value if it is a mapping; ValueError, which names its ``key``, if not."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} {value!r} is no mapping of keys to values")
    return value


def check_families(families: object) -> None:
    """Raise ValueError for what is no mapping of recipes to their shares of a batch."""
    if not isinstance(families, Mapping) or not families:
        raise ValueError("families names no recipe: give recipes and their shares")
    for recipe, share in families.items():
        if not isinstance(recipe, str) or not is_number(share):
            raise ValueError(f"families: {recipe!r}: {share!r} is no recipe and its share")


def check_file_name(name: object) -> None:
    """Raise ValueError for what cannot name a run's file: a folder's path, a hidden file's name."""
    if (
        not isinstance(name, str)
        or not name
        or name.startswith(".")
        or "\0" in name
        or Path(name).name != name
    ):
        raise ValueError(f"name {name!r} is no name for a file")
