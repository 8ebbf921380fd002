"""Where a parameter's value comes from: fixed, a range of some law, or a weighted choice.

Each draw takes exactly one number from the stream (a fixed value takes none).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from degrade.ops import Value
from degrade.portable_math import log
from degrade.random import Stream, between, chosen, log_between, whole_between

_LARGEST = 2**53
"""Whole numbers beyond this are not exact as float64."""

KINDS = ("uniform", "log_uniform", "integer", "inverse_of_uniform", "root_of_uniform", "choice")


class InvalidDistributionError(ValueError):
    """A distribution that is not written as one; the recipe adds the file and the line."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same value."""

    value: Value

    def draw(self, stream: Stream) -> Value:
        """Return the value; the stream is not touched."""
        return self.value

    def extremes(self) -> tuple[Value, ...]:
        """Return the values that must lie in the parameter's range."""
        return (self.value,)

    def canonical(self) -> Any:
        """Return the YAML form."""
        return self.value


@dataclass(frozen=True, slots=True)
class Range:
    """A law between two bounds; integers include both.

    ``inverse_of_uniform`` is 1 / u and ``root_of_uniform`` is √u with u uniform between the
    bounds: a divisor whose scale, or a sigma whose variance, is uniform.
    """

    kind: str
    low: float
    high: float
    _logs: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        logs = (log(self.low), log(self.high)) if self.kind == "log_uniform" else (0.0, 0.0)
        object.__setattr__(self, "_logs", logs)

    def draw(self, stream: Stream) -> Value:
        """Return one value."""
        return self.at(stream.unit())

    def at(self, unit: float) -> Value:
        """Return the value that a number of [0, 1) means."""
        if self.kind == "uniform":
            return between(unit, self.low, self.high)
        if self.kind == "integer":
            return whole_between(unit, int(self.low), int(self.high))
        if self.kind == "log_uniform":
            return log_between(unit, self.low, self.high, *self._logs)
        return self._value(between(unit, self.low, self.high))

    def extremes(self) -> tuple[Value, ...]:
        """Return the values that must lie in the parameter's range."""
        return (self._value(self.low), self._value(self.high))

    def _value(self, uniform: float) -> float:
        if self.kind == "inverse_of_uniform":
            return 1.0 / uniform
        return math.sqrt(uniform) if self.kind == "root_of_uniform" else uniform

    def canonical(self) -> Any:
        """Return the YAML form."""
        return {self.kind: [self.low, self.high]}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One of several values, each with a weight."""

    values: tuple[Value, ...]
    weights: tuple[float, ...]

    def draw(self, stream: Stream) -> Value:
        """Return one value."""
        return self.at(stream.unit())

    def at(self, unit: float) -> Value:
        """Return the value that a number of [0, 1) means."""
        return self.values[chosen(unit, self.weights)]

    def extremes(self) -> tuple[Value, ...]:
        """Return the values that must lie in the parameter's range."""
        return self.values

    def canonical(self) -> Any:
        """Return the YAML form."""
        return {"choice": [list(pair) for pair in zip(self.values, self.weights, strict=True)]}


Distribution = Fixed | Range | Chosen


def parse_distribution(written: object) -> Distribution:
    """Return the distribution that a piece of YAML describes.

    ``4``, ``linear``, ``{uniform: [a, b]}``, ``{log_uniform: [a, b]}``, ``{integer: [a, b]}``,
    ``{inverse_of_uniform: [a, b]}``, ``{root_of_uniform: [a, b]}``, ``{choice: [a, b]}`` or,
    with weights, ``{choice: [[a, 3], [b, 1]]}``.
    Raises InvalidDistributionError.
    """
    if _is_plain(written):
        return Fixed(written)
    if not isinstance(written, Mapping) or len(written) != 1:
        raise InvalidDistributionError(f"write one finite value or one of {', '.join(KINDS)}")
    ((kind, bounds),) = written.items()
    if kind == "choice":
        return _parse_choice(bounds)
    if kind not in KINDS:
        from degrade.config import nearest

        raise InvalidDistributionError(
            f"unknown distribution '{kind}': use {', '.join(KINDS)}.{nearest(kind, KINDS)}"
        )
    return _parse_range(kind, bounds)


def _parse_range(kind: str, bounds: object) -> Range:
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(_is_number, bounds)):
        raise InvalidDistributionError(f"{kind} takes two finite numbers, [low, high]")
    low, high = bounds
    if low > high:
        raise InvalidDistributionError(f"{kind} [{low}, {high}] has its bounds the wrong way round")
    if kind in ("log_uniform", "inverse_of_uniform") and low <= 0:
        raise InvalidDistributionError(f"{kind} takes bounds above 0, not {low}")
    if kind == "root_of_uniform" and low < 0:
        raise InvalidDistributionError(f"root_of_uniform takes bounds of 0 or more, not {low}")
    if kind == "integer" and not (isinstance(low, int) and isinstance(high, int)):
        raise InvalidDistributionError("integer takes two whole numbers, [low, high]")
    if kind != "integer":
        low, high = float(low), float(high)
    return Range(kind, low, high)


def _parse_choice(bounds: object) -> Chosen:
    if not isinstance(bounds, list) or not bounds:
        raise InvalidDistributionError("choice takes a list of values, or of [value, weight] pairs")
    pairs = [entry if isinstance(entry, list) else [entry, 1.0] for entry in bounds]
    for pair in pairs:
        if len(pair) != 2 or not _is_number(pair[1]) or pair[1] < 0:
            raise InvalidDistributionError(
                "choice weights are numbers of 0 or more: [value, weight]"
            )
        if not _is_plain(pair[0]):
            raise InvalidDistributionError("choice takes plain values: numbers, names, true, false")
    if sum(pair[1] for pair in pairs) <= 0:
        raise InvalidDistributionError("choice weights are all 0")
    return Chosen(tuple(pair[0] for pair in pairs), tuple(float(pair[1]) for pair in pairs))


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -_LARGEST <= value <= _LARGEST and math.isfinite(value)


def _is_plain(value: object) -> TypeGuard[Value]:
    return isinstance(value, bool | str) or _is_number(value)
