"""Bad photographs whose recipe is known, for the tests that a fit finds it again."""

from dataclasses import dataclass, replace

import numpy as np
from two_sample import features, told_apart

from degrade.engine.apply import apply
from degrade.fit.fit import recipe_of
from degrade.fit.measurement import measure_image
from degrade.fit.quantities import QUANTITIES, values_of_plan
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe

QUARTILES = (0.25, 0.5, 0.75)

ALONE = {
    "noise": "  - {operation: gaussian_noise, sigma: {uniform: [3, 30]}}",
    "quality": "  - {operation: jpeg, quality: {integer: [30, 90]}}",
    "scale": "  - {operation: resize_blur, divisor: {uniform: [2, 8]}}",
    "blur": "  - {operation: gaussian_blur, sigma: {uniform: [1, 6]}}",
    "block": "  - {operation: pixelate, block: {integer: [2, 8]}}",
}
"""Quantity to the one step that changes it."""

MIXED = {
    "like gfpgan": """
  - one_of:
      - {operation: gaussian_blur, sigma: {uniform: [0.1, 6]}}
      - operation: gaussian_blur
        sigma_x: {uniform: [0.1, 6]}
        sigma_y: {uniform: [0.1, 6]}
        angle: {uniform: [-180, 180]}
  - {operation: resize, divisor: {uniform: [1, 4]}, filter: linear}
  - {operation: gaussian_noise, sigma: {uniform: [0, 20]}}
  - {operation: jpeg, quality: {integer: [60, 99]}}
  - {operation: resize, to: source, filter: linear}
""",
    "like kuaishou, mild": """
  - {operation: gaussian_blur, probability: 0.5, sigma: {log_uniform: [0.5, 3]}}
  - operation: resize
    probability: 0.8
    divisor: {uniform: [1.2, 4]}
    filter: area
    antialias: true
  - {operation: gaussian_noise, probability: 0.8, sigma: {log_uniform: [3, 25]}}
  - {operation: jpeg, probability: 0.8, quality: {integer: [40, 95]}}
  - {operation: resize, to: source, filter: cubic}
""",
    "like the web": """
  - {operation: gaussian_blur, probability: 0.3, sigma: {uniform: [0.5, 2]}}
  - {operation: resize, divisor: {log_uniform: [1.5, 4]}, filter: area, antialias: true}
  - {operation: gaussian_noise, sigma: {log_uniform: [2, 15]}}
  - operation: jpeg
    quality: {choice: [[75, 4], [80, 2], [85, 3], [90, 3], [95, 1]]}
""",
}
"""Mixed recipes; the images of the last stay small."""


@dataclass(frozen=True)
class Known:
    """Images of a known recipe: measured, drawn, and the source of each."""

    measured: list
    drawn: list
    sources: list


def make_known(steps, folder, sources, count, *, full=0, seed=5):
    """Return ``count`` images of a recipe, the sources in turn."""
    path = folder / "known.yaml"
    path.write_text(f"version: 1\nsteps:\n{steps}\n")
    recipe = load_recipe(path)
    known = Known([], [], [])
    for number in range(count):
        variant, place = divmod(number, len(sources))
        key = sources.keys[place]
        hq = sources.read(key)
        drawn = plan(recipe, seed=seed, image_id=key, size=hq.shape[:2], variant=variant)
        known.drawn.append(values_of_plan(drawn))
        known.measured.append(measure_image(apply(drawn, hq), key, full=full))
        known.sources.append(key)
    return known


def every_second(sources, first):
    """Return one half of a source's images; both halves share none."""
    return replace(sources, keys=sources.keys[first::2])


def fitted_values(candidate, name, count=3000):
    """Return values of one quantity as the fitted recipe draws them."""
    recipe = recipe_of(candidate)
    plans = (
        plan(recipe, seed=11, image_id="x", size=(372, 304), variant=variant)
        for variant in range(count)
    )
    return QUANTITIES[name].planned([values_of_plan(drawn) for drawn in plans])


def ratios(known, candidate, name):
    """Return fitted over true quartiles of a quantity, over all images."""
    true = np.quantile(QUANTITIES[name].planned(known.drawn), QUARTILES)
    fitted = np.quantile(fitted_values(candidate, name), QUARTILES)
    return true, fitted, fitted / true


def areas(known, fit, made_of):
    """Return the two-sample areas: generated against true, and half of the true against half.

    ``made_of`` are the keys of the generated images' sources, in turn. No image of one side
    shares a source with the other.
    """
    true, made = features(known.measured), features(fit.generated.measured)
    made_sources = [made_of[number % len(made_of)] for number in range(len(made))]
    keys = sorted(set(known.sources))
    half = np.array([keys.index(key) % 2 == 0 for key in known.sources])
    names = np.array(known.sources)
    return (
        told_apart(true, made, known.sources, made_sources),
        told_apart(true[half], true[~half], list(names[half]), list(names[~half])),
    )
