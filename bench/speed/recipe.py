"""The GFPGAN recipe against BasicSR's steps: totals over the same plans, taken in turn."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from bench.speed.case import Image
from bench.speed.references import COLOUR, degrade_as_basicsr
from bench.speed.timing import Ratio
from degrade import Plan, apply, load_recipe, plan

__all__ = ["BAR", "LABEL", "NAME", "TITLE", "plans_without_colour", "strengths", "time_recipe"]

NAME = "gfpgan"
TITLE = "GFPGAN recipe"
LABEL = "BasicSR's steps in OpenCV + NumPy"
BAR = 10.0
_SEED = 7


def plans_without_colour(count: int, size: tuple[int, int]) -> list[Plan]:
    """Return ``count`` plans of the recipe ``gfpgan``, its colour steps left out."""
    recipe = load_recipe("gfpgan")
    plans = [plan(recipe, seed=_SEED, image_id=f"{i}.png", size=size) for i in range(count)]
    return [
        replace(each, steps=tuple(s for s in each.steps if s.operation not in COLOUR))
        for each in plans
    ]


def strengths(plans: list[Plan], image: Image) -> tuple[float, float]:
    """Return the standard deviation of output − source over some plans: ours, the reference's."""
    random = np.random.RandomState(_SEED)
    levels = image.astype(np.float64)
    ours, theirs = [], []
    for each in plans:
        reference = degrade_as_basicsr(image[..., ::-1], each.steps, random)[..., ::-1]
        ours.append(np.var(apply(each, image) - levels))
        theirs.append(np.var(reference - levels))
    return float(np.sqrt(np.mean(ours))), float(np.sqrt(np.mean(theirs)))


def time_recipe(plans: list[Plan], image: Image, rounds: int) -> Ratio:
    """Return the ratio of the totals over all plans, once for each round; ms for one image."""
    random = np.random.RandomState(_SEED)
    blue_first = np.ascontiguousarray(image[..., ::-1])  # as OpenCV reads it
    ours, theirs = [], []
    for _ in range(rounds):
        own_total = reference_total = 0.0
        for each in plans:
            start = time.process_time()
            apply(each, image)
            middle = time.process_time()
            degrade_as_basicsr(blue_first, each.steps, random)
            own_total += middle - start
            reference_total += time.process_time() - middle
        ours.append(own_total / len(plans))
        theirs.append(reference_total / len(plans))
    return Ratio.of(ours, theirs)
