"""The GFPGAN recipe step by step, as BasicSR's functions do it, in OpenCV and NumPy.

Order and arithmetic from X. Wang et al., "Towards Real-World Blind Face Restoration with
Generative Facial Prior", CVPR 2021, and TencentARC/GFPGAN @7552a77,
gfpgan/data/ffhq_degradation_dataset.py:165-210: float32 [0, 1], BGR; a dense kernel by
``cv2.filter2D``; ``INTER_LINEAR`` both ways; normal noise, clipped, not rounded; JPEG; rounded
to whole levels at the end. It takes the parameters of a plan, so both sides do the same work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.speed.case import Image
from degrade import Step

__all__ = ["COLOUR", "degrade_as_basicsr"]

COLOUR = ("colour_shift", "colour_jitter", "grey")
"""Operations left out on both sides."""

Levels = NDArray[np.float32]


def degrade_as_basicsr(image: Image, steps: Sequence[Step], random: np.random.RandomState) -> Image:
    """Return the low-quality image of the plan's steps.

    Parameters
    ----------
    image
        uint8 (height, width, 3), BGR as OpenCV reads it.
    steps
        Of the recipe ``gfpgan``, without `COLOUR`.
    random
        NumPy's legacy generator, which BasicSR draws from.

    Raises
    ------
    ValueError
        A step that the recipe did not have when this was written.
    """
    level = image.astype(np.float32) / 255.0
    for step in steps:
        level = _step(level, step, random)
    result: Image = np.clip((level * 255.0).round(), 0, 255).astype(np.uint8)
    return result


def _step(level: Levels, step: Step, random: np.random.RandomState) -> Levels:
    values = step.parameters
    if step.operation == "gaussian_blur":
        kernel = bivariate_gaussian(
            float(values["sigma_x"]),
            float(values["sigma_y"]),
            -math.radians(float(values["angle"])),
            int(values["kernel_size"]),
        )
        return np.asarray(cv2.filter2D(level, -1, kernel), np.float32)
    if step.operation == "resize":
        size = int(values["width"]), int(values["height"])
        return np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_LINEAR), np.float32)
    if step.operation == "gaussian_noise":
        noise = random.randn(*level.shape).astype(np.float32) * float(values["sigma"]) / 255.0
        return np.asarray(np.clip(level + noise, 0, 1), np.float32)
    if step.operation == "jpeg":
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(values["quality"])]
        # BasicSR leaves the cast to imencode, which rounds, as this does, and now warns.
        rounded = cv2.convertScaleAbs(np.clip(level, 0, 1) * 255.0)
        _, code = cv2.imencode(".jpg", rounded, quality)
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.float32) / np.float32(255.0)
    raise ValueError(f"{step.operation} is no step of the published recipe")


def bivariate_gaussian(
    sigma_x: float, sigma_y: float, theta: float, size: int
) -> NDArray[np.float64]:
    """Return exp(-½ pᵀ Σ⁻¹ p) on a ``size``² grid, sum 1; Σ = R diag(σ²) Rᵀ, theta in radians."""
    place = np.arange(-(size // 2), size // 2 + 1.0)
    columns, rows = np.meshgrid(place, place)
    grid = np.stack([columns, rows], axis=2)
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    covariance = turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T
    weights = np.exp(-0.5 * np.sum((grid @ np.linalg.inv(covariance)) * grid, axis=2))
    kernel: NDArray[np.float64] = weights / weights.sum()
    return kernel
