"""The numbers that a fit matches: of one image, as a plan drew them, and as shares of a folder.

Every quantity is defined for every image, so that two folders can be compared rank by rank:
where a degradation is missing it has its harmless value (noise 0, divisor 1, no JPEG).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from degrade.fit.measurement import NO_JPEG, ImageMeasurement
from degrade.planner.plan import Plan

Values = NDArray[np.float64]

_MIDDLE_VARIANCE = 128.0 * 255.0  # as in degrade.fit.candidate


@dataclass(frozen=True, slots=True)
class PlanValues:
    """What one plan did, in the terms of a `degrade.fit.candidate.Candidate`."""

    blur: float = 0.0  # round blur of the same mean variance, pixels; 0 for none
    along: float = 0.0  # pixels; equal for a round blur
    across: float = 0.0
    scale: float = 1.0  # divisor, 1 for none
    noise: float = 0.0  # sigma at level 128, levels; 0 for none
    quality: float = NO_JPEG  # `degrade.fit.measurement.NO_JPEG` for none
    block: float = 1.0  # 1 for none


def values_of_plan(plan: Plan) -> PlanValues:
    """Return what a plan of blurs, resizings, noises, JPEG and pixelation did.

    Of several steps of one kind the last counts, of noises the sum of variances.
    """
    values_of_step: dict[str, float] = {}
    variance = 0.0
    for step in plan.steps:
        values = step.parameters
        if step.operation == "gaussian_blur":
            pair = sorted((float(values["sigma_x"]), float(values["sigma_y"])))
            values_of_step |= {"across": pair[0], "along": pair[1]}
            values_of_step["blur"] = math.sqrt((pair[0] ** 2 + pair[1] ** 2) / 2.0)
        elif step.operation in ("resize", "resize_blur"):
            divisor = plan.size[0] / float(values["height"])
            values_of_step["scale"] = max(divisor, values_of_step.get("scale", 1.0))
        elif step.operation == "gaussian_noise":
            variance += float(values["sigma"]) ** 2
        elif step.operation == "shot_noise":
            variance += _MIDDLE_VARIANCE / float(values["photons"])
        elif step.operation == "jpeg":
            values_of_step["quality"] = float(values["quality"])
        elif step.operation == "pixelate":
            values_of_step["block"] = float(values["block"])
    return PlanValues(**values_of_step, noise=math.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number that is matched."""

    name: str  # of the attribute of `PlanValues` and of `degrade.fit.candidate.Candidate`
    title: str  # as shown to people
    unit: str
    measured: Callable[[ImageMeasurement], float]  # from a measurement
    none: float  # the harmless value; all others are below it (``quality``) or above it
    least: float  # least value that is a degradation
    whole: bool = False  # whether only whole numbers occur

    def of(self, images: Sequence[ImageMeasurement]) -> Values:
        """Return the values of several images."""
        return np.array([self.measured(one) for one in images], np.float64)

    def planned(self, draws: Sequence[PlanValues]) -> Values:
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


LEAST_NOISE, LEAST_BLUR = 1.5, 0.7
"""Levels and pixels below which noise and blur are not looked for, however clean the sources."""
_CLEAN = 0.75
"""Share of the clean images that measure less than a floor; the rest, textured ones, are known
to be false and are taken off."""
LEAST_SHARE = 0.05
"""Shares below this are chance, as is one among 20 photographs."""
_SHRUNK = 1.03
"""Divisor from which an image counts as shrunk."""
_TURNED = 1.35
"""Stretch from which a blur counts as turned; measured on portraits blurred evenly, sigma 2: 1.1
to 1.2, and 2.5 and more at 2 × 5."""
_APART = 1.0
"""And the least difference of its variances, square pixels; sharp portraits have 0.2 themselves."""
_SHOT = 0.5
"""Dependence on brightness from which noise counts as shot noise: most of its variance.
Measured: below 0.1 for Gaussian, above 0.9 for shot noise on portraits."""
_GREY = 0.8
"""Correlation of the channels from which noise counts as grey; measured at JPEG quality 95 and
above: 0.4 or less for noise of each channel, 0.9 and more for grey noise."""

_COLOUR_KEPT = 95
"""JPEG quality from which the colour of noise survives, at least in its coarse part."""

_STRONG = 2.0
"""Times the floor from which the correlation is that of noise and not of the texture below it."""


@dataclass(frozen=True, slots=True)
class Floors:
    """From where noise and blur are seen, and how many clean images seem to show them.

    Clean images at the scales and the JPEG of the photographs, that is.
    """

    noise: float = LEAST_NOISE  # levels
    blur: float = LEAST_BLUR  # pixels as measured, before enlargement
    false_noise: float = 0.0  # shares of the clean images above them
    false_blur: float = 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of a folder's images show what, 0 to 1."""

    block: float  # of all images; the others are shares of those without it
    blur: float  # blurred, shrunk, noisy and JPEG images
    scale: float
    noise: float
    quality: float
    turned: float  # of the blurred: clearly more along one direction
    back: float  # of the shrunk: as large as HQ; of these: enlarged after everything else
    last: float
    # Of the noisy: growing with brightness; of the strongly noisy that JPEG left their colour:
    # common to the channels
    shot: float
    grey: float


def floors_of(noiseless: Sequence[ImageMeasurement], sharp: Sequence[ImageMeasurement]) -> Floors:
    """Return what three of four clean images stay below, and the share of the others."""
    noises = np.array([one.noise.sigma for one in noiseless])
    blurs = np.array([one.blur.sigma for one in sharp])
    noise = max(LEAST_NOISE, float(np.quantile(noises, _CLEAN)))
    blur = max(LEAST_BLUR, float(np.quantile(blurs, _CLEAN)))
    return Floors(noise, blur, float(np.mean(noises > noise)), float(np.mean(blurs > blur)))


def is_shrunk(one: ImageMeasurement) -> bool:
    """Return whether an image has clearly fewer pixels than HQ."""
    return one.divisor >= _SHRUNK


def is_turned(one: ImageMeasurement, floors: Floors) -> bool:
    """Return whether an image is blurred clearly more along one direction."""
    apart = one.blur.along**2 - one.blur.across**2
    return one.blur.sigma > floors.blur and one.blur.stretch >= _TURNED and apart > _APART


def shares_of(images: Sequence[ImageMeasurement], floors: Floors) -> Shares:
    """Return the shares of a folder; a share of nothing is 0."""
    whole = [one for one in images if one.block == 1]
    blurred = [one for one in whole if one.blur.sigma > floors.blur]
    shrunk = [one for one in whole if is_shrunk(one)]
    back = [one for one in shrunk if max(one.height, one.width) > 0.97 * one.full]
    noisy = [one for one in whole if one.noise.sigma > floors.noise]
    plain = [
        one
        for one in noisy
        if one.quality >= _COLOUR_KEPT and one.noise.sigma > _STRONG * floors.noise
    ]
    return Shares(
        block=_share(images, lambda one: one.block > 1),
        blur=_really(len(blurred) / max(len(whole), 1), floors.false_blur),
        scale=len(shrunk) / max(len(whole), 1),
        noise=_really(len(noisy) / max(len(whole), 1), floors.false_noise),
        quality=_share(whole, lambda one: one.quality < NO_JPEG),
        turned=_share(blurred, lambda one: is_turned(one, floors)),
        back=len(back) / max(len(shrunk), 1),
        last=_share(back, lambda one: one.last),
        shot=_share(noisy, lambda one: one.noise.dependence > _SHOT),
        grey=_share(plain, lambda one: one.noise.correlation > _GREY),
    )


def _really(share: float, false: float) -> float:
    """Return the share that shows something, where a share ``false`` of the others seems to."""
    return max(0.0, share - false) / (1.0 - false)


def _share(images: Sequence[ImageMeasurement], shows: Callable[[ImageMeasurement], bool]) -> float:
    return sum(map(shows, images)) / max(len(images), 1)
