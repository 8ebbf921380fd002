"""Severity ladders: one operation from mild to severe, everything else held."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from degrade.config import nearest
from degrade.errors import RecipeError
from degrade.ops import OPERATIONS, Integer, Ladder, Number, Operation, Value
from degrade.planner.plan import Plan, Step
from degrade.planner.resolve import resolve


@dataclass(frozen=True, slots=True)
class SeverityPlan:
    """One severity: its value in words, and the plan that has it."""

    title: str
    plan: Plan


def severity_plans(
    operation: str,
    *,
    image_id: str,
    size: tuple[int, int],
    seed: int = 0,
    count: int = 6,
    values: Sequence[float] = (),
) -> list[SeverityPlan]:
    """Return the plans of one operation from mild to severe; the noise is the same in all.

    Parameters
    ----------
    operation
        From the table `degrade.ops.OPERATIONS`.
    image_id, size, seed
        As `degrade.plan` takes them.
    count
        How many severities; equal ones, of a parameter in whole numbers, are left out.
    values
        Values of the swept parameter in place of the ladder's own.

    Raises
    ------
    RecipeError
        There is no such operation, it has no severity, or a value is outside its range.
    """
    if operation not in OPERATIONS:
        raise RecipeError(
            f"unknown operation '{operation}': `degrade list --operations` shows them."
            f"{nearest(operation, OPERATIONS)}"
        )
    entry = OPERATIONS[operation]
    ladder = entry.ladder
    if ladder is None:
        raise RecipeError(f"{operation} has no severity to make a ladder of: try gaussian_noise")
    known = {**entry.parameters, **entry.recipe_only}
    spec = known[ladder.parameter]
    assert isinstance(spec, Number | Integer)
    severities = dict.fromkeys(
        _valid(entry, ladder, spec, value) for value in values or ladder.values(count)
    )
    unit = f" {spec.unit}" if spec.unit in ("px", "levels") else ""
    plans = []
    for severity in severities:
        parameters: dict[str, Value] = {
            **entry.defaults(),
            **ladder.fixed,
            ladder.parameter: severity,
        }
        step = Step(operation, 1, "lq", entry.recorded(resolve(entry, parameters, size, size)))
        plan = Plan("ladder", "", seed, image_id, 0, size, (step,))
        plans.append(SeverityPlan(f"{ladder.parameter} {severity:g}{unit}", plan))
    return plans


def _valid(operation: Operation, ladder: Ladder, spec: Number | Integer, value: float) -> float:
    """Return a value as the parameter takes it, windows with a middle pixel."""
    severity = float(value)
    if not math.isfinite(severity):
        raise RecipeError(f"{operation.name}: {ladder.parameter} {value:g} is not a finite number")
    if isinstance(spec, Integer):
        odd = ladder.parameter in ("size", "kernel_size")
        severity = 2 * round((value - 1) / 2) + 1 if odd else round(value)
    problem = spec.problem(severity)
    if problem:
        raise RecipeError(f"{operation.name}: {ladder.parameter} {value:g} {problem}")
    return severity
