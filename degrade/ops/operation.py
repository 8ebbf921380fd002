"""What is said of an operation: its parameters, its severity ladder, its words, where its code is.

Importing an entry imports none of the code, so listing operations takes no time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from degrade.lazy import load_attribute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = float | int | str | bool
"""A parameter as a plan records it."""

FAMILIES = ("noise", "blur", "resolution", "pixelation", "compression", "colour")
"""Families of degradation, after the Kuaishou article's noise, blur, JPEG and pixelation."""


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


class OperationFunction(Protocol):
    """What carries an operation out: ``(planes, stream, **parameters) -> planes``.

    Planes are float32 (3, height, width), levels 0-255. The stream is uint32 (5): the Philox key
    and counter whose numbers a noisy operation spends; the others ignore it. The planes that are
    given stay as they are; those returned may be the same.
    """

    def __call__(
        self, planes: NDArray[np.float32], stream: NDArray[np.uint32], /, **parameters: Any
    ) -> NDArray[np.float32]:
        """Return the planes after the operation."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How an operation gets more severe."""

    parameter: str  # the one that is swept, as a recipe calls it
    # Its values at the two ends. The severe ends are those of the shipped recipes where one uses
    # the operation, and go further where those are mild.
    mild: float
    severe: float
    # What the operation needs besides; angles are any that show
    fixed: Mapping[str, Value] = field(default_factory=dict)
    even: bool = False  # whether the values are as far from each other, rather than in equal ratios

    def values(self, count: int) -> list[float]:
        """Return so many values from mild to severe, rounded to what a person would write."""
        shares = [number / (count - 1) for number in range(count)] if count > 1 else [1.0]
        if self.even:
            span = self.severe - self.mild
            return [float(f"{self.mild + span * share:.4g}") for share in shares]
        ratio = self.severe / self.mild
        return [float(f"{self.mild * ratio**share:.2g}") for share in shares]

    def position(self, value: float) -> float:
        """Return the share of the way from the mild end to the severe one, cut to [0, 1]."""
        if self.even:
            share = (value - self.mild) / (self.severe - self.mild)
        elif value <= 0:
            # No noise at all, or (photons, quality) none of what is left of the image.
            share = float(self.severe < self.mild)
        else:
            share = math.log(value / self.mild) / math.log(self.severe / self.mild)
        return min(1.0, max(0.0, share))


_SHORTHANDS = {
    "sigma": ("sigma_x", "sigma_y"),
    "divisor": ("height", "width"),
    "to": ("height", "width"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One degradation: all that is said of it, and a reference to its code."""

    name: str  # as recipes and plans call it
    version: int  # raised whenever the bytes it makes change
    summary: str  # one line for ``degrade list --operations``
    code: str  # ``module:function`` of an `OperationFunction`, imported when first used
    # Those a plan holds; a recipe may also give the ones in ``recipe_only``, which `degrade.plan`
    # turns into these
    parameters: Mapping[str, Parameter]
    # Parameters that are resolved while planning, such as a divisor of the size
    recipe_only: Mapping[str, Parameter] = field(default_factory=dict)
    family: str = ""  # one of `FAMILIES`; empty for what moves, rounds or sharpens an image
    # ``(parameter, value)`` to the family that it belongs to instead
    family_where: Mapping[tuple[str, Value], str] = field(default_factory=dict)
    ladder: Ladder | None = None  # how it gets more severe; None where it has no severity
    # A few words for a person, with the parameters in braces as in ``str.format``, or a function of
    # the parameters; empty: all parameters are listed
    caption: str | Callable[[Mapping[str, Any]], str] = ""
    # A function ``(parameters, size) -> parameters``: those that follow from the others, which the
    # plan records; it may refuse the size
    derived: Callable[[Mapping[str, Value], tuple[int, int]], dict[str, Value]] | None = None
    portable: bool = True  # the same bytes on any machine; False for system codecs
    noisy: bool = False  # spends random numbers on pixels
    # May move the image; its parameters say by how much. All others keep LQ on HQ.
    moves: bool = False
    # The image leaves with the size of its parameters ``height`` and ``width``
    resizes: bool = False

    def load(self) -> OperationFunction:
        """Import and return the function that does it."""
        function: OperationFunction = load_attribute(self.code)
        return function

    def shorthands(self) -> dict[str, tuple[str, ...]]:
        """Return recipe parameter → the plan parameters that it decides."""
        return {name: _SHORTHANDS[name] for name in self.recipe_only if name in _SHORTHANDS}

    def defaults(self) -> dict[str, Value]:
        """Return the default of every parameter that has one."""
        return {n: spec.default for n, spec in self.parameters.items() if spec.default is not None}

    def recorded(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return every parameter that the operation takes, in its order and of its type.

        A recipe may say 2 for 2.0; the plan records what the operation is called with.
        """
        return {
            name: float(values[name]) if isinstance(spec, Number) else values[name]
            for name, spec in self.parameters.items()
        }

    def describe(self, parameters: Mapping[str, Value]) -> str:
        """Return a few words for a person: ``JPEG 43, 420``."""
        if callable(self.caption):
            return self.caption(parameters)
        if self.caption:
            return self.caption.format(**parameters)
        listed = (f"{name} {value}" for name, value in parameters.items())
        return " ".join([self.name.replace("_", " "), *listed])

    def family_of(self, parameters: Mapping[str, Value]) -> str:
        """Return the family that it belongs to with these parameters; empty for none."""
        families = (
            family
            for (name, value), family in self.family_where.items()
            if parameters[name] == value
        )
        return next(families, self.family)

    def strength(self, parameters: Mapping[str, Value], size: tuple[int, int]) -> float | None:
        """Return how severe it is, 0 at the mild end of its ladder to 1 at the severe one.

        Parameters
        ----------
        parameters
            As a plan records them.
        size
            ``(height, width)`` of the image that it is used on, pixels.

        Returns
        -------
        float or None
            None without a ladder, and where nothing is lost: an image that is enlarged.
        """
        if self.ladder is None:
            return None
        name = self.ladder.parameter
        if name == "divisor":
            area = float(parameters["height"]) * float(parameters["width"])
            value = math.sqrt(size[0] * size[1] / area)
            if value <= 1:
                return None
        elif name == "sigma" and "sigma_x" in parameters:
            value = max(float(parameters["sigma_x"]), float(parameters["sigma_y"]))
        else:
            value = float(parameters[name])
        return self.ladder.position(value)
