"""Severity ladders: one operation at rising strengths, everything else held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Integer, Number, Operation
from degrade.planner.plan import Plan, Step, Value
from degrade.planner.resolve import resolve

__all__ = ["LADDERS", "Ladder", "Rung", "ladder"]


@dataclass(frozen=True, slots=True)
class Ladder:
    """How an operation gets stronger.

    Attributes
    ----------
    parameter
        The one that is swept, as a recipe calls it.
    mild, severe
        Its values at the two ends.
    fixed
        What the operation needs besides.
    even
        Whether the values are as far from each other, rather than in equal ratios.
    """

    parameter: str
    mild: float
    severe: float
    fixed: Mapping[str, Value] = field(default_factory=dict)
    even: bool = False

    def values(self, count: int) -> list[float]:
        """Return so many values from mild to severe, rounded to what a person would write."""
        shares = [number / (count - 1) for number in range(count)] if count > 1 else [1.0]
        if self.even:
            span = self.severe - self.mild
            return [float(f"{self.mild + span * share:.4g}") for share in shares]
        ratio = self.severe / self.mild
        return [float(f"{self.mild * ratio**share:.2g}") for share in shares]


# The severe ends are those of the shipped recipes where one uses the operation, and go further
# where those are mild; angles are any that show.
LADDERS: Mapping[str, Ladder] = MappingProxyType(
    {
        "gaussian_noise": Ladder("sigma", 3, 97),
        "shot_noise": Ladder("photons", 500, 3),
        "impulse_noise": Ladder("amount", 0.002, 0.27),
        "luma_noise": Ladder("sigma", 3, 97),
        "correlated_noise": Ladder(
            "sigma", 3, 97, {"red_green": 0.5, "red_blue": 0.5, "green_blue": 0.5}
        ),
        "speckle_noise": Ladder("sigma", 0.03, 0.6),
        "poisson_noise": Ladder("scale", 0.05, 3),
        "sensor_noise": Ladder("photons", 1000, 10, {"read_sigma": 2.0}),
        "glass_blur": Ladder("distance", 1, 8, {"sigma": 0.7, "iterations": 2}, even=True),
        "gaussian_blur": Ladder("sigma", 0.5, 15),
        "motion_blur": Ladder("length", 3, 41, {"angle": 30.0}),
        "defocus_blur": Ladder("radius", 1, 10),
        "generalised_gaussian_blur": Ladder("sigma", 0.5, 10, {"beta": 0.5, "kernel_size": 41}),
        "plateau_blur": Ladder("sigma", 0.5, 10, {"beta": 2.0, "kernel_size": 41}),
        "sinc_blur": Ladder("cutoff", 3.14, 0.4),
        "median_blur": Ladder("size", 3, 15, even=True),
        "average_blur": Ladder("size", 3, 15, even=True),
        "zoom_blur": Ladder("factor", 1.02, 1.31, {"step": 0.01}, even=True),
        "shake_blur": Ladder("length", 3, 41, {"angle": 30.0, "path": 1}),
        "one_sided_motion_blur": Ladder("sigma", 1, 15, {"radius": 20, "angle": 30.0}),
        "aliased_disk_blur": Ladder("radius", 1, 10, {"alias": 0.5}),
        "chromatic_aberration": Ladder("red", 1.001, 1.03, {"blue": 1.0}, even=True),
        "unsharp_mask": Ladder("amount", 0.25, 4, {"threshold": 0.0}),
        "resize": Ladder("divisor", 1.5, 30, {"filter": "linear"}),
        "resize_linear_light": Ladder("divisor", 1.5, 30, {"filter": "linear"}),
        "resize_blur": Ladder("divisor", 1.5, 30),
        "pixelate": Ladder("block", 2, 24),
        "shift": Ladder("right", 1, 32, {"down": 0}),
        "jpeg": Ladder("quality", 95, 5),
        "diff_jpeg": Ladder("quality", 95, 5),
        "webp": Ladder("quality", 95, 1),
        "jpeg2000": Ladder("level", 45, 20, even=True),
        "avif": Ladder("quality", 95, 2),
        "colour_shift": Ladder("red", 5, 60, {"green": 0.0, "blue": 0.0}, even=True),
        "colour_jitter": Ladder("brightness", 1.1, 2, even=True),
        "haze": Ladder("alpha", 0.95, 0.3, even=True),
    }
)
"""The ladder of every operation that has a strength."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One strength: its value in words, and the plan that has it."""

    title: str
    plan: Plan


def ladder(
    operation: str,
    *,
    image_id: str,
    size: tuple[int, int],
    seed: int = 0,
    count: int = 6,
    values: Sequence[float] = (),
) -> list[Rung]:
    """Return the plans of one operation from mild to severe; the noise is the same in all.

    Parameters
    ----------
    operation
        From the table `degrade.ops.OPERATIONS`.
    image_id, size, seed
        As `degrade.plan` takes them.
    count
        Steps of the ladder; equal ones, of a parameter in whole numbers, are left out.
    values
        Values of the swept parameter in place of the ladder's own.

    Raises
    ------
    RecipeError
        There is no such operation, it has no strength, or a value is outside its range.
    """
    spec = OPERATIONS.get(operation)
    if spec is None:
        from degrade.config import nearest

        raise RecipeError(
            f"there is no operation '{operation}': `degrade list --operations` shows them."
            f"{nearest(operation, OPERATIONS)}"
        )
    told = LADDERS.get(operation)
    if told is None:
        raise RecipeError(f"{operation} has no strength to make a ladder of: try gaussian_noise")
    levels = dict.fromkeys(_valid(spec, told, value) for value in values or told.values(count))
    return [_rung(spec, told, level, Plan("ladder", "", seed, image_id, 0, size, ()))
            for level in levels]  # fmt: skip


def _spec(operation: Operation, name: str) -> Number | Integer:
    """Return what a swept parameter may be; ``sigma`` stands for two of one kind."""
    known = {**operation.parameters, **operation.recipe_only}
    found = known.get(name)
    assert isinstance(found, Number | Integer)
    return found


def _valid(operation: Operation, told: Ladder, value: float) -> float:
    """Return a value as the parameter takes it, windows with a middle pixel."""
    spec = _spec(operation, told.parameter)
    level = float(value)
    if not math.isfinite(level):
        raise RecipeError(f"{operation.name}: {told.parameter} {value:g} is not a finite number")
    if isinstance(spec, Integer):
        odd = told.parameter in ("size", "kernel_size")
        level = 2 * round((value - 1) / 2) + 1 if odd else round(value)
    problem = spec.problem(level)
    if problem:
        raise RecipeError(f"{operation.name}: {told.parameter} {value:g} {problem}")
    return level


def _rung(operation: Operation, told: Ladder, level: float, empty: Plan) -> Rung:
    defaults = {n: s.default for n, s in operation.parameters.items() if s.default is not None}
    given: dict[str, Value] = {**defaults, **told.fixed, told.parameter: level}
    values = resolve(operation.name, given, empty.size, empty.size)
    recorded = {
        name: float(values[name]) if isinstance(spec, Number) else values[name]
        for name, spec in operation.parameters.items()
    }
    step = Step(operation.name, 1, "lq", recorded)
    plan = Plan("ladder", "", empty.seed, empty.image_id, 0, empty.size, (step,))
    unit = _spec(operation, told.parameter).unit
    shown = unit if unit in ("px", "levels") else ""
    return Rung(f"{told.parameter} {level:g} {shown}".rstrip(), plan)
