"""What `degrade preview` shows: each picture, then degraded copies with what was done to each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from degrade.engine.apply import apply
from degrade.images import Image
from degrade.images.contact_sheet import Cell, Row
from degrade.planner.plan import Plan, Step, plan
from degrade.recipe.recipe import Recipe

__all__ = ["decibels", "describe_step", "ladder_row", "variants_row"]

_SHORT = {
    "gaussian_noise": "Gaussian noise sigma {sigma:.1f}",
    "shot_noise": "shot noise, {photons:.0f} photons",
    "impulse_noise": "impulse noise {amount:.1%}",
    "motion_blur": "motion {length:.1f} px at {angle:.0f} deg",
    "defocus_blur": "defocus radius {radius:.1f}",
    "resize": "resize to {width} x {height}",
    "resize_blur": "through {width} x {height} and back",
    "jpeg": "JPEG {quality}, {subsampling}",
    "pixelate": "pixels of {block}",
    "colour_shift": "colour {red:+.0f} {green:+.0f} {blue:+.0f}",
    "colour_jitter": "light x{brightness:.2f} contrast x{contrast:.2f}",
    "grey": "grey",
    "luma_noise": "luma noise sigma {sigma:.1f}",
    "correlated_noise": "correlated noise sigma {sigma:.1f}",
    "speckle_noise": "speckle noise {sigma:.0%}",
    "poisson_noise": "Poisson noise x{scale:.2f}",
    "sensor_noise": "sensor, {photons:.0f} photons, gain {gain:.0f}",
    "generalised_gaussian_blur": "generalised Gaussian {sigma_x:.1f} x {sigma_y:.1f}",
    "plateau_blur": "plateau {sigma_x:.1f} x {sigma_y:.1f}",
    "sinc_blur": "low-pass at {cutoff:.2f} rad/px",
    "median_blur": "median of {size}",
    "average_blur": "average of {size}",
    "glass_blur": "glass {sigma:.1f}, {iterations} x {distance} px",
    "zoom_blur": "zoom to x{factor:.2f}",
    "shake_blur": "camera shake {length:.1f} px",
    "one_sided_motion_blur": "one-sided motion {sigma:.1f} at {angle:.0f} deg",
    "aliased_disk_blur": "whole-pixel disk {radius:.1f}",
    "chromatic_aberration": "red x{red:.4f} blue x{blue:.4f}",
    "unsharp_mask": "sharpened x{amount:.1f}",
    "round": "rounded",
    "truncate": "truncated",
    "webp": "WebP {quality}",
    "jpeg2000": "JPEG 2000, {level:.0f} dB",
    "avif": "AVIF {quality}",
    "diff_jpeg": "DiffJPEG {quality:.1f}",
    "flip": "mirrored",
    "shift": "moved {down:+d} down, {right:+d} right",
    "crop": "cut to {width} x {height}",
    "haze": "haze {alpha:.0%} kept",
    "resize_linear_light": "resize to {width} x {height} in linear light",
}


def variants_row(image: Image, key: str, recipe: Recipe, seed: int, variants: int) -> Row:
    """Return a picture and its first variants, those that `degrade build` makes."""
    size = (image.shape[0], image.shape[1])
    cells = [_source(image, key)]
    for variant in range(variants):
        drawn = plan(recipe, seed=seed, image_id=key, size=size, variant=variant)
        lines = tuple(describe_step(step) for step in drawn.steps) or ("untouched",)
        cells.append(_degraded(image, drawn, f"variant {variant}", lines))
    return Row(tuple(cells), recipe.name, f"seed {seed}")


def ladder_row(
    image: Image, key: str, operation: str, seed: int, count: int, values: Sequence[float] = ()
) -> Row:
    """Return a picture and copies with one operation at rising severity."""
    from degrade.planner.severity import LADDERS, ladder

    size = (image.shape[0], image.shape[1])
    rungs = ladder(operation, image_id=key, size=size, seed=seed, count=count, values=values)
    cells = [_degraded(image, rung.plan, rung.title, ()) for rung in rungs]
    held = [f"{name.replace('_', ' ')} {value}" for name, value in LADDERS[operation].fixed.items()]
    return Row((_source(image, key), *cells), operation.replace("_", " "), ", ".join(held))


def _source(image: Image, key: str) -> Cell:
    return Cell(image, key, (f"{image.shape[1]} x {image.shape[0]}, original",))


def _degraded(image: Image, drawn: Plan, title: str, lines: tuple[str, ...]) -> Cell:
    lq = apply(drawn, image)
    if lq.shape != image.shape:
        lines = (*lines, f"{lq.shape[1]} x {lq.shape[0]} pixels")
    return Cell(lq, title, lines, decibels(image, lq))


def decibels(hq: Image, lq: Image) -> str:
    """Return the PSNR of a pair in words, over all values; empty where the sizes differ."""
    if hq.shape != lq.shape:
        return ""
    error = float(np.mean(np.square(hq.astype(np.float64) - lq)))
    return f"{10.0 * math.log10(255.0**2 / error):.1f} dB" if error > 0.0 else "equal"


def describe_step(step: Step) -> str:
    """Return a few words for a person: ``JPEG 43, 420``."""
    values = dict(step.parameters)
    if step.operation == "gaussian_blur":
        x, y = float(values["sigma_x"]), float(values["sigma_y"])
        if x == y:
            return f"Gaussian blur {x:.1f}"
        return f"Gaussian blur {x:.1f} x {y:.1f}, {float(values['angle']):.0f} deg"
    words = _SHORT.get(step.operation)
    if words is not None:
        return words.format(**values)
    told = " ".join(f"{key} {value}" for key, value in values.items())
    return f"{step.operation.replace('_', ' ')} {told}"
