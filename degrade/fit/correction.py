"""From measurements to a candidate: the first guess, and the correction of a later one.

Distributions are compared rank by rank over whole folders, images without a degradation
included: where the photographs measure m, the generated images of the same rank measure m'
and were drawn at θ', the corrected value is m · θ' / m'. The ratio is the estimator's bias in
the company of all other degradations; both its sides come from the same images, so chance in
drawing them cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from degrade.fit.candidate import LEVELS, Candidate, FittedPart, quantile_levels
from degrade.fit.measurement import NO_JPEG, ImageMeasurement
from degrade.fit.quantities import (
    LEAST_SHARE,
    QUANTITIES,
    Floors,
    PlanValues,
    Quantity,
    Shares,
    is_shrunk,
    is_turned,
    shares_of,
)

Values = NDArray[np.float64]

_STEP = 3.0
"""Most that a bias may multiply or divide by; beyond, the ranks of both folders do not match."""
_QUALITY_STEP = 10.0
_LEAST_KIND = 0.15
"""Least share of one kind of noise among others: it is told from few of the images."""


def first_candidate(images: Sequence[ImageMeasurement], floors: Floors) -> Candidate:
    """Return the candidate that takes every measurement at its word.

    But for the kind of noise: JPEG too weak to be seen makes any noise grey, and clipped or
    textured places make it seem to grow with brightness. So it is noise of each channel, the
    same everywhere, until the generated images show too little of the other kinds.
    """
    shares = shares_of(images, floors)
    whole = [one for one in images if one.block == 1]
    turned = [one for one in whole if is_turned(one, floors)]
    even = [o for o in whole if o.blur.sigma > floors.blur and not is_turned(o, floors)]
    return Candidate(
        blur=_part(shares.blur, [one.blur_sigma for one in even or turned], 1.0),
        turned=shares.turned,
        along=_part(1.0, _lengths(turned, "along"), 1.0),
        across=_part(1.0, _lengths(turned, "across"), 1.0),
        angle=_part(1.0, [one.blur.angle for one in turned], 0.0),
        scale=_part(shares.scale, [one.divisor for one in whole if is_shrunk(one)], 1.0),
        back=shares.back,
        last=shares.last,
        filter=_usual_filter(whole),
        noise=_part(
            shares.noise, [o.noise.sigma for o in whole if o.noise.sigma > floors.noise], 1.0
        ),
        shot=0.0,
        grey=0.0,
        quality=_part(
            shares.quality, [float(one.quality) for one in whole if one.quality < NO_JPEG], 75.0
        ),
        block=_part(shares.block, [float(one.block) for one in images if one.block > 1], 2.0),
    )


def _part(share: float, values: Sequence[float], otherwise: float) -> FittedPart:
    if not values or share < LEAST_SHARE:
        return FittedPart(0.0, (otherwise,) * LEVELS)
    return FittedPart(share, quantile_levels(np.array(values)))


def _lengths(images: Sequence[ImageMeasurement], axis: str) -> list[float]:
    """Return the blurs along one axis in pixels of HQ."""
    return [getattr(one.blur, axis) * one.blur_sigma / one.blur.sigma for one in images]


def _usual_filter(images: Sequence[ImageMeasurement]) -> str:
    """Return the commonest filter of the enlargements, as recipes call it."""
    names = [one.filter.partition("-")[0] for one in images if one.filter]
    return max(sorted(set(names)), key=names.count, default="linear")


def corrected(
    candidate: Candidate,
    photos: Sequence[ImageMeasurement],
    plan_values: Sequence[PlanValues],
    generated: Sequence[ImageMeasurement],
    floors: Floors,
) -> Candidate:
    """Return the candidate corrected by what its own images measure.

    Parameters
    ----------
    candidate
        What ``plan_values`` was drawn from and ``generated`` measured on.
    photos
        What it should measure like.
    plan_values, generated
        One each a generated image.
    floors
        Tell noise and blur from texture and softness.
    """
    true, generated_shares = shares_of(photos, floors), shares_of(generated, floors)

    def part(name: str) -> FittedPart:
        now: FittedPart = getattr(candidate, name)
        if now.probability == 0.0:
            return now
        chance = _moved(now.probability, name, true, generated_shares)
        # A round blur's values stand beside those of the unblurred, not of the turned.
        compared = _compared(name, photos, plan_values, generated, floors)
        present = chance * (1.0 - candidate.turned) if name == "blur" else chance
        rest = 1.0 - chance * candidate.turned if name == "blur" else 1.0
        return FittedPart(
            chance, _levels(now, QUANTITIES[name], present / max(rest, 1e-9), *compared)
        )

    return Candidate(
        blur=part("blur"),
        turned=_moved(candidate.turned, "turned", true, generated_shares),
        along=_turned_levels(candidate.along, "along", photos, plan_values, generated, floors),
        across=_turned_levels(candidate.across, "across", photos, plan_values, generated, floors),
        angle=candidate.angle,
        scale=part("scale"),
        back=_moved(candidate.back, "back", true, generated_shares),
        last=_moved(candidate.last, "last", true, generated_shares),
        filter=candidate.filter,
        noise=part("noise"),
        shot=_moved(candidate.shot, "shot", true, generated_shares),
        grey=_moved(candidate.grey, "grey", true, generated_shares),
        quality=part("quality"),
        block=part("block"),
    )


def _moved(now: float, name: str, true: Shares, generated_shares: Shares) -> float:
    """Return a share moved by how much the generated images show it too rarely."""
    moved = now + getattr(true, name) - getattr(generated_shares, name)
    least = _LEAST_KIND if name in ("shot", "grey") else LEAST_SHARE
    if moved < least:
        return 0.0
    return 1.0 if moved > 1.0 - least else float(moved)


def _compared(
    name: str,
    photos: Sequence[ImageMeasurement],
    plan_values: Sequence[PlanValues],
    generated: Sequence[ImageMeasurement],
    floors: Floors,
) -> tuple[Values, Values, Values]:
    """Return the values of the photographs, of the generated images, and as drawn."""

    def counts(one: ImageMeasurement) -> bool:
        return name == "block" or (
            one.block == 1 and not (name == "blur" and is_turned(one, floors))
        )

    quantity = QUANTITIES[name]
    pairs = [(d, m) for d, m in zip(plan_values, generated, strict=True) if counts(m)]
    return (
        quantity.of([one for one in photos if counts(one)]),
        quantity.of([measured for _, measured in pairs]),
        quantity.planned([draw for draw, _ in pairs]),
    )


def _levels(
    now: FittedPart,
    quantity: Quantity,
    present: float,
    true: Values,
    measured: Values,
    plan_values: Values,
) -> tuple[float, ...]:
    """Return corrected levels; those whose rank shows nothing in one of the folders stay."""
    if min(true.size, measured.size) == 0:
        return now.levels
    better = quantity.none > 1.0  # the harmless value ranks last: quality
    ranks = (np.arange(LEVELS) + 0.5) / LEVELS * present
    if not better:
        ranks += 1.0 - present
    samples = (true, measured, plan_values)
    if quantity.whole:
        photo, measure, draw = (np.quantile(v, ranks, method="inverted_cdf") for v in samples)
    else:
        photo, measure, draw = (np.quantile(v, ranks, method="hazen") for v in samples)
    if better:
        new = np.clip(photo + np.clip(draw - measure, -_QUALITY_STEP, _QUALITY_STEP), 1.0, 100.0)
        comparable = np.maximum(np.maximum(photo, measure), draw) < quantity.none
    else:
        new = photo * np.clip(draw / np.maximum(measure, 1e-9), 1.0 / _STEP, _STEP)
        comparable = draw > quantity.none
    return tuple(
        float(v) for v in np.sort(np.where(comparable, np.maximum(new, quantity.least), now.levels))
    )


def _turned_levels(
    now: FittedPart,
    axis: str,
    photos: Sequence[ImageMeasurement],
    plan_values: Sequence[PlanValues],
    generated: Sequence[ImageMeasurement],
    floors: Floors,
) -> FittedPart:
    """Return corrected lengths of the turned blurs, ranked among these alone."""
    true = _lengths([one for one in photos if one.block == 1 and is_turned(one, floors)], axis)
    pairs = [
        (getattr(draw, axis), one)
        for draw, one in zip(plan_values, generated, strict=True)
        if one.block == 1 and is_turned(one, floors) and draw.blur > 0.0
    ]
    if min(len(true), len(pairs)) < LEVELS // 2:
        return now
    ranks = (np.arange(LEVELS) + 0.5) / LEVELS
    lengths = _lengths([one for _, one in pairs], axis)
    draws = [draw for draw, _ in pairs]
    photo, measure, draw = (np.quantile(v, ranks, method="hazen") for v in (true, lengths, draws))
    ratio = np.clip(draw / np.maximum(measure, 0.1), 1.0 / _STEP, _STEP)
    return FittedPart(1.0, tuple(float(value) for value in np.sort(photo * ratio)))
