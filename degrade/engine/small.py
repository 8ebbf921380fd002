"""LQ kept small: stored as it is before its last enlarging, finished by whoever reads it.

Most recipes for faces shrink an image, spoil it, and enlarge it back to the size of the HQ: the
file of the enlarged one is ten times as large and says no more. It may be left at the small size
where that loses nothing: between two steps levels are fractions, so only where the step before
left whole ones, as JPEG does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degrade.engine.apply import carry_out, planes_after, planes_of, steps_of
from degrade.images import Image
from degrade.ops import OPERATIONS
from degrade.ops.kernels.memory import PLANES
from degrade.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class Degraded:
    """A degraded image and what of it has to be stored."""

    lq: Image  # uint8 (height, width, 3): the whole one
    stored: Image  # what `finished` makes ``lq`` of: itself, or a smaller one
    steps_left: int  # the number of steps between the two; 0 when ``stored`` is ``lq``


def steps_left(plan: Plan) -> int:
    """Return how many steps of the LQ half its last enlarging and all after it are.

    0 where nothing is enlarged, or the image before is not smaller than the finished one.
    """
    steps, area, left, before = steps_of(plan, "lq"), plan.size[0] * plan.size[1], 0, 0
    for index, step in enumerate(steps):
        if OPERATIONS[step.operation].resizes:
            after = int(step.parameters["height"]) * int(step.parameters["width"])
            if after > area:
                left, before = len(steps) - index, area
            area = after
    return left if before < area else 0


def degrade_in_two(plan: Plan, source: Image) -> Degraded:
    """Return the LQ half of a pair, equal to `degrade.apply`'s, and its small form if it has one.

    ``source`` is uint8 (height, width, 3) RGB, of the size the plan was drawn for.
    """
    from degrade.ops.kernels.compile import announce_compilation
    from degrade.ops.kernels.planes import from_planes, to_planes

    steps, left = steps_of(plan, "lq"), steps_left(plan)
    if not left:
        lq = carry_out(plan, source, steps)
        return Degraded(lq, lq, 0)
    with announce_compilation():
        planes = planes_after(plan, planes_of(source), steps[:-left])
        small = from_planes(planes)
        whole = np.array_equal(to_planes(small), planes)
        planes = planes_after(plan, planes, steps[-left:])
        lq = from_planes(planes)
    PLANES.give(planes)
    return Degraded(lq, small, left) if whole else Degraded(lq, lq, 0)


def finished(plan: Plan, stored: Image, left: int) -> Image:
    """Return the whole LQ from what was kept of it and the number of steps that are left.

    Raises ValueError when the plan has no such place.
    """
    if left == 0:
        return stored
    if left != steps_left(plan):
        raise ValueError(f"its LQ cannot be finished by {left} steps")
    return carry_out(plan, stored, steps_of(plan, "lq")[-left:])
