"""How strong each operation of a plan is, and the family of degradations that it belongs to.

Reads plans; it looks at no pixel and at no score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from degrade.planner.plan import Plan, Step
from degrade.planner.severity import LADDERS

__all__ = ["FAMILIES", "Part", "parts_of", "strongest"]

_MEMBERS = {
    "noise": (
        "gaussian_noise", "shot_noise", "impulse_noise", "luma_noise", "correlated_noise",
        "speckle_noise", "poisson_noise", "sensor_noise",
    ),
    "blur": (
        "glass_blur", "gaussian_blur", "motion_blur", "defocus_blur", "generalised_gaussian_blur",
        "plateau_blur", "sinc_blur", "median_blur", "average_blur", "zoom_blur", "shake_blur",
        "one_sided_motion_blur", "aliased_disk_blur",
    ),
    "resolution": ("resize", "resize_linear_light", "resize_blur"),
    "pixelation": ("pixelate",),
    "compression": ("jpeg", "diff_jpeg", "webp", "jpeg2000", "avif"),
    "colour": ("colour_shift", "colour_jitter", "haze", "chromatic_aberration"),
}  # fmt: skip

FAMILIES: Mapping[str, str] = MappingProxyType(
    {operation: family for family, members in _MEMBERS.items() for operation in members}
)
"""Operation to its family, after the article's noise, blur, JPEG and pixelation. What moves,
rounds or sharpens an image is in none."""

_RESIZES = ("resize", "resize_linear_light")


@dataclass(frozen=True, slots=True)
class Part:
    """One operation of a plan that makes the image worse.

    Attributes
    ----------
    family
        One of the values of `FAMILIES`.
    step
        The operation, with what it is called with.
    strength
        Where it stands on the operation's ladder (`degrade.planner.severity.LADDERS`), 0 at the
        mild end and beyond, 1 at the severe end and beyond.
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
        family, value = _family(step), _value(step, size)
        if family and value is not None:
            parts.append(Part(family, step, _position(step.operation, value)))
        if step.operation in (*_RESIZES, "crop"):
            size = int(step.parameters["height"]), int(step.parameters["width"])
    return tuple(parts)


def strongest(plan: Plan) -> dict[str, Part]:
    """Return the strongest part of each family that is in a plan."""
    found: dict[str, Part] = {}
    for part in parts_of(plan):
        known = found.get(part.family)
        if known is None or part.strength > known.strength:
            found[part.family] = part
    return found


def _family(step: Step) -> str | None:
    if step.operation == "resize_blur" and step.parameters["up"] == "nearest":
        return "pixelation"  # blocks, by another way
    return FAMILIES.get(step.operation)


def _value(step: Step, size: tuple[int, int]) -> float | None:
    """Return what the operation's ladder sweeps; None where it degrades nothing."""
    told = step.parameters
    if step.operation in (*_RESIZES, "resize_blur"):
        divisor = math.sqrt(size[0] * size[1] / (float(told["height"]) * float(told["width"])))
        return divisor if divisor > 1 else None
    if step.operation not in LADDERS:
        return None
    if "sigma_x" in told:
        return max(float(told["sigma_x"]), float(told["sigma_y"]))
    return float(told[LADDERS[step.operation].parameter])


def _position(operation: str, value: float) -> float:
    """Return the share of the way from the ladder's mild end to its severe one, in [0, 1]."""
    ladder = LADDERS[operation]
    if ladder.even:
        share = (value - ladder.mild) / (ladder.severe - ladder.mild)
    elif value <= 0:
        # No noise at all, or (photons, quality) none of what is left of the image.
        share = float(ladder.severe < ladder.mild)
    else:
        share = math.log(value / ladder.mild) / math.log(ladder.severe / ladder.mild)
    return min(1.0, max(0.0, share))
