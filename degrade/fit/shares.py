"""Which degradations a picture shows, and how large a share of a folder shows each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from degrade.fit.measurement import NO_JPEG, Measurement

__all__ = ["LEAST_SHARE", "Floors", "Shares", "floors_of", "is_shrunk", "is_turned", "shares_of"]

LEAST_NOISE, LEAST_BLUR = 1.5, 0.7
"""Levels and pixels below which noise and blur are not looked for, however clean the sources."""
_CLEAN = 0.75
"""Share of the clean pictures that measure less than a floor; the rest, textured ones, are known
to be false and are taken off."""
LEAST_SHARE = 0.05
"""Shares below this are chance, as is one among 20 photographs."""
_SHRUNK = 1.03
"""Divisor from which a picture counts as shrunk."""
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
    """From where noise and blur are seen, and how many clean pictures seem to show them.

    Clean pictures at the scales and the JPEG of the photographs, that is.

    Attributes
    ----------
    noise
        Levels.
    blur
        Pixels as measured, before enlargement.
    false_noise, false_blur
        Shares of the clean pictures above them.
    """

    noise: float = LEAST_NOISE
    blur: float = LEAST_BLUR
    false_noise: float = 0.0
    false_blur: float = 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of a folder's pictures show what, 0 to 1.

    Attributes
    ----------
    block
        Of all pictures; the others are shares of those without it.
    blur, scale, noise, quality
        Blurred, shrunk, noisy and JPEG pictures.
    turned
        Of the blurred: clearly more along one direction.
    back, last
        Of the shrunk: as large as HQ; of these: enlarged after everything else.
    shot, grey
        Of the noisy: growing with brightness; of the strongly noisy that JPEG left
        their colour: common to the channels.
    """

    block: float
    blur: float
    scale: float
    noise: float
    quality: float
    turned: float
    back: float
    last: float
    shot: float
    grey: float


def floors_of(noiseless: Sequence[Measurement], sharp: Sequence[Measurement]) -> Floors:
    """Return what three of four clean pictures stay below, and the share of the others."""
    noises = np.array([one.noise.sigma for one in noiseless])
    blurs = np.array([one.blur.sigma for one in sharp])
    noise = max(LEAST_NOISE, float(np.quantile(noises, _CLEAN)))
    blur = max(LEAST_BLUR, float(np.quantile(blurs, _CLEAN)))
    return Floors(noise, blur, float(np.mean(noises > noise)), float(np.mean(blurs > blur)))


def is_shrunk(one: Measurement) -> bool:
    """Tell whether a picture has clearly fewer pixels than HQ."""
    return one.divisor >= _SHRUNK


def is_turned(one: Measurement, floors: Floors) -> bool:
    """Tell whether a picture is blurred clearly more along one direction."""
    apart = one.blur.along**2 - one.blur.across**2
    return one.blur.sigma > floors.blur and one.blur.stretch >= _TURNED and apart > _APART


def shares_of(pictures: Sequence[Measurement], floors: Floors) -> Shares:
    """Return the shares of a folder; a share of nothing is 0."""
    whole = [one for one in pictures if one.block == 1]
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
        block=_share(pictures, lambda one: one.block > 1),
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


def _really(seen: float, false: float) -> float:
    """Return the share that shows something, where a share ``false`` of the others seems to."""
    return max(0.0, seen - false) / (1.0 - false)


def _share(pictures: Sequence[Measurement], shows: Callable[[Measurement], bool]) -> float:
    return sum(map(shows, pictures)) / max(len(pictures), 1)
