"""The numbers that a fit matches: as measured on a picture, and as a plan drew them.

Every quantity is defined for every picture, so that two folders can be compared rank by rank:
where a degradation is missing it has its harmless value (noise 0, divisor 1, no JPEG).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from degrade.fit.measurement import NO_JPEG, Measurement
from degrade.planner.plan import Plan

__all__ = ["QUANTITIES", "Drawn", "Quantity", "drawn_values"]

Values = NDArray[np.float64]

_MIDDLE_VARIANCE = 128.0 * 255.0  # as in degrade.fit.candidate


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one plan did, in the terms of a `degrade.fit.candidate.Candidate`.

    Attributes
    ----------
    blur
        Round blur of the same mean variance, pixels; 0 for none.
    along, across
        Pixels; equal for a round blur.
    scale
        Divisor, 1 for none.
    noise
        Sigma at level 128, levels; 0 for none.
    quality
        `degrade.fit.measurement.NO_JPEG` for none.
    block
        1 for none.
    """

    blur: float = 0.0
    along: float = 0.0
    across: float = 0.0
    scale: float = 1.0
    noise: float = 0.0
    quality: float = NO_JPEG
    block: float = 1.0


def drawn_values(plan: Plan) -> Drawn:
    """Return what a plan of blurs, resizings, noises, JPEG and pixelation did.

    Of several steps of one kind the last counts, of noises the sum of variances.
    """
    found: dict[str, float] = {}
    variance = 0.0
    for step in plan.steps:
        values = step.parameters
        if step.operation == "gaussian_blur":
            pair = sorted((float(values["sigma_x"]), float(values["sigma_y"])))
            found |= {"across": pair[0], "along": pair[1]}
            found["blur"] = math.sqrt((pair[0] ** 2 + pair[1] ** 2) / 2.0)
        elif step.operation in ("resize", "resize_blur"):
            divisor = plan.size[0] / float(values["height"])
            found["scale"] = max(divisor, found.get("scale", 1.0))
        elif step.operation == "gaussian_noise":
            variance += float(values["sigma"]) ** 2
        elif step.operation == "shot_noise":
            variance += _MIDDLE_VARIANCE / float(values["photons"])
        elif step.operation == "jpeg":
            found["quality"] = float(values["quality"])
        elif step.operation == "pixelate":
            found["block"] = float(values["block"])
    return Drawn(**found, noise=math.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number that is matched.

    Attributes
    ----------
    name
        Of the attribute of `Drawn` and of `degrade.fit.candidate.Candidate`.
    title, unit
        As shown to people.
    measured
        From a measurement.
    none
        The harmless value; all others are below it (``quality``) or above it.
    least
        Least value that is a degradation.
    whole
        Whether only whole numbers occur.
    """

    name: str
    title: str
    unit: str
    measured: Callable[[Measurement], float]
    none: float
    least: float
    whole: bool = False

    def of(self, pictures: Sequence[Measurement]) -> Values:
        """Return the values of several pictures."""
        return np.array([self.measured(one) for one in pictures], np.float64)

    def drawn(self, draws: Sequence[Drawn]) -> Values:
        """Return the values that were drawn."""
        return np.array([getattr(draw, self.name) for draw in draws], np.float64)


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.name: quantity
        for quantity in (
            Quantity("blur", "blur", "px", lambda one: one.blur_sigma, 0.0, 0.1),
            Quantity("scale", "divisor", "times", lambda one: one.divisor, 1.0, 1.0),
            Quantity("noise", "noise", "levels", lambda one: one.noise.sigma, 0.0, 0.1),
            Quantity(
                "quality", "JPEG quality", "", lambda one: float(one.quality), NO_JPEG, 1.0, True
            ),
            Quantity("block", "pixelation", "px", lambda one: float(one.block), 1.0, 1.0, True),
        )
    }
)
"""Name to quantity, in the order that people read them."""
