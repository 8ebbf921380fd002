"""How strong each operation of a plan is, and the family of degradations that it belongs to.

Reads plans; it looks at no pixel and at no score. What is said of each operation stands in its
entry in `degrade.ops`.
"""

from __future__ import annotations

from dataclasses import dataclass

from degrade.ops import OPERATIONS
from degrade.planner.plan import Plan, Step

__all__ = ["Part", "parts_of", "strongest"]


@dataclass(frozen=True, slots=True)
class Part:
    """One operation of a plan that makes the image worse.

    Attributes
    ----------
    family
        One of `degrade.ops.FAMILIES`.
    step
        The operation, with what it is called with.
    strength
        Where it stands on the operation's ladder, 0 at the mild end and beyond, 1 at the severe
        end and beyond.
    """

    family: str
    step: Step
    strength: float


def parts_of(plan: Plan) -> tuple[Part, ...]:
    """Return what makes the degraded half of a plan's pair worse, in the plan's order.

    Steps of the truth alone, enlargements and operations without a ladder are left out.
    """
    parts = []
    size = plan.size
    for step in plan.steps:
        if step.target == "hq":
            continue
        operation = OPERATIONS[step.operation]
        family = operation.family_of(step.parameters)
        strength = operation.strength(step.parameters, size)
        if family and strength is not None:
            parts.append(Part(family, step, strength))
        if operation.resizes:
            size = int(step.parameters["height"]), int(step.parameters["width"])
    return tuple(parts)


def strongest(plan: Plan) -> dict[str, Part]:
    """Return the strongest part of each family that is in a plan."""
    strongest: dict[str, Part] = {}
    for part in parts_of(plan):
        known = strongest.get(part.family)
        if known is None or part.strength > known.strength:
            strongest[part.family] = part
    return strongest
