"""The plain values of a recipe file: texts, flags, chances, sizes, distributions.

Each method checks one written value and raises RecipeError with the file and the line; it
knows nothing of steps and operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from degrade.config import KeyPath, nearest
from degrade.errors import RecipeError
from degrade.recipe.distributions import (
    Distribution,
    Fixed,
    InvalidDistributionError,
    parse_distribution,
)


@dataclass(slots=True)
class RecipeValues:
    """Reads the values of one file."""

    path: Path  # the file; messages call it by its name
    lines: Mapping[KeyPath, int]  # line of each key path, from `degrade.config.load_yaml`

    def fail(self, where: KeyPath, message: str) -> NoReturn:
        """Raise RecipeError with the line of a key path, or of what it stands in."""
        line = next(
            (self.lines[where[:n]] for n in range(len(where), -1, -1) if where[:n] in self.lines), 1
        )
        raise RecipeError(f"{self.path.name} line {line}: {message}")

    def mapping(self, data: object, where: KeyPath, valid: Iterable[str]) -> dict[str, Any]:
        """Return a mapping that has no key but the valid ones."""
        if not isinstance(data, dict):
            self.fail(where, "a mapping of keys to values was expected here")
        valid = tuple(valid)
        unknown = [key for key in data if key not in valid]
        if unknown:
            key = next((key for key in unknown if nearest(key, valid)), unknown[0])
            known = f"use {', '.join(valid)}"
            self.fail((*where, str(key)), f"unknown key '{key}': {known}.{nearest(key, valid)}")
        return data

    def text(self, top: Mapping[str, Any], key: str, default: str) -> str:
        """Return a text with its white space made single."""
        written = top.get(key, default)
        if not isinstance(written, str):
            self.fail((key,), f"{key} is a text: put it in quotes")
        return " ".join(written.split())

    def decibels(self, written: object) -> float | None:
        """Return the measured PSNR, dB."""
        if written is None:
            return None
        distribution = self.distribution(written, ("measured", "median_psnr"))
        if not (isinstance(distribution, Fixed) and isinstance(distribution.value, int | float)):
            self.fail(("measured", "median_psnr"), "median_psnr is a number of decibels")
        return float(distribution.value)

    def size(self, written: object) -> tuple[int, int] | None:
        """Return ``(height, width)``, pixels."""
        if written is None:
            return None
        sides = [written, written] if isinstance(written, int) else written
        if not (isinstance(sides, list) and len(sides) == 2 and all(
            is_whole(side) and 1 <= side <= 65535 for side in sides
        )):  # fmt: skip
            self.fail(("size",), "size is one number of pixels, or [height, width]")
        return sides[0], sides[1]

    def scales(self, top: Mapping[str, Any]) -> bool:
        """Return whether lengths scale with the size, which must then be written."""
        where: KeyPath = ("scale_with_size",)
        scales = self.flag(top.get("scale_with_size", False), where)
        if scales and top.get("size") is None:
            self.fail(where, "scale_with_size needs the key 'size': what lengths are meant for")
        return scales

    def scale(self, written: object) -> int | None:
        """Return the sides of HQ over those of LQ."""
        if written is not None and not (is_whole(written) and 1 <= written <= 64):
            self.fail(("scale",), "scale is a whole number from 1 to 64: sides of HQ over LQ")
        return written

    def probability(self, written: object, where: KeyPath) -> float:
        """Return a chance, 0 to 1."""
        if isinstance(written, bool) or not isinstance(written, int | float):
            self.fail(where, f"'{written}' is not a probability between 0 and 1")
        if not 0 <= written <= 1:
            self.fail(where, f"{written} is not a probability between 0 and 1")
        return float(written)

    def flag(self, written: object, where: KeyPath) -> bool:
        """Return a yes or no."""
        if not isinstance(written, bool):
            self.fail(where, f"'{written}' is not true or false")
        return written

    def distribution(self, written: object, where: KeyPath, of: str = "") -> Distribution:
        """Return the distribution that a value is written as; ``of`` begins the message."""
        try:
            return parse_distribution(written)
        except InvalidDistributionError as error:
            self.fail(where, f"{of}{error}")


def is_whole(value: object) -> TypeGuard[int]:
    """Return whether a value is a whole number, and not true or false."""
    return isinstance(value, int) and not isinstance(value, bool)
