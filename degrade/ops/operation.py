"""What an operation is: its name, version, the range of each parameter, and where its code is."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Boolean", "Choice", "Integer", "Number", "Operation", "Parameter"]


@dataclass(frozen=True, slots=True)
class Number:
    """A real parameter, ``low <= value <= high``; ``default`` None means it must be given."""

    low: float
    high: float
    unit: str
    default: float | None = None

    def problem(self, value: object) -> str:
        """Return what is wrong with a value, or the empty string."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "is not a number"
        if not math.isfinite(value):
            return f"is not a finite number from {self.low:g} to {self.high:g} {self.unit}".rstrip()
        if not self.low <= value <= self.high:
            return f"is outside {self.low:g} to {self.high:g} {self.unit}".rstrip()
        return ""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole parameter, ``low <= value <= high``."""

    low: int
    high: int
    unit: str
    default: int | None = None

    def problem(self, value: object) -> str:
        """Return what is wrong with a value, or the empty string."""
        if isinstance(value, bool) or not isinstance(value, int):
            return "is not a whole number"
        if not self.low <= value <= self.high:
            return f"is outside {self.low} to {self.high} {self.unit}".rstrip()
        return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that takes one of a few names."""

    values: tuple[str, ...]
    default: str | None = None

    def problem(self, value: object) -> str:
        """Return what is wrong with a value, or the empty string."""
        return "" if value in self.values else f"is not one of {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Boolean:
    """A yes or no."""

    default: bool | None = None

    def problem(self, value: object) -> str:
        """Return what is wrong with a value, or the empty string."""
        return "" if isinstance(value, bool) else "is not true or false"


Parameter = Number | Integer | Choice | Boolean


@dataclass(frozen=True, slots=True)
class Operation:
    """One degradation.

    Attributes
    ----------
    name
        As recipes and plans call it.
    version
        Raised whenever the bytes it makes change.
    summary
        One line for ``degrade list --operations``.
    code
        ``module:function``, imported when first used; called with
        ``(planes, stream, **parameters)`` and returning planes.
    parameters
        Those a plan holds; a recipe may also give the ones in ``recipe_only``, which
        `degrade.plan` turns into these.
    recipe_only
        Parameters that are resolved while planning, such as a divisor of the size.
    portable
        The same bytes on any machine; False for system codecs.
    noisy
        Spends random numbers on pixels.
    moves
        May move the picture; its parameters say by how much. All others keep LQ on HQ.
    resizes
        The picture leaves with the size of its parameters ``height`` and ``width``.
    """

    name: str
    version: int
    summary: str
    code: str
    parameters: Mapping[str, Parameter]
    recipe_only: Mapping[str, Parameter] = field(default_factory=dict)
    portable: bool = True
    noisy: bool = False
    moves: bool = False
    resizes: bool = False

    def load(self) -> Callable[..., Any]:
        """Import and return the function that does it."""
        module, _, function = self.code.partition(":")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return loaded
