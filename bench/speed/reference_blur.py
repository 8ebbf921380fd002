"""Blurs as the peers define them, written from their formulas in NumPy, SciPy and OpenCV.

uint8 (height, width, 3) RGB in and out. Sources: the documentation of AlbumentationsX; D.
Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", ICLR 2019, and its package imagecorruptions (half-Gaussian motion by shifts,
glass by copies of near pixels, zoom as the mean of enlarged centres).
"""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from bench.speed.case import Image

__all__ = [
    "aliased_disk", "defocus_blur", "gaussian_blur", "gaussian_blur_cv2", "glass_blur",
    "motion_blur", "one_sided_motion_blur", "zoom_blur",
]  # fmt: skip


def gaussian_blur_cv2(image: Image, *, sigma: float) -> Image:
    """Return ``cv2.GaussianBlur`` with ``2 * int(3.5 sigma) + 1`` taps (AlbumentationsX)."""
    size = 2 * int(3.5 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(image, (size, size), sigma), np.uint8)


def gaussian_blur(image: Image, *, sigma: float) -> Image:
    """Return SciPy's Gaussian filter of x in [0, 1], channels apart (ImageNet-C)."""
    blurred = ndimage.gaussian_filter(image / 255.0, (sigma, sigma, 0), mode="nearest")
    return _cast(blurred)


def aliased_disk(radius: int, alias: float) -> NDArray[np.float32]:
    """Return the disk x² + y² <= r², normalised, then smoothed by a Gaussian of ``alias`` px.

    ImageNet-C and AlbumentationsX: the window reaches max(8, r), the Gaussian has 3 taps up to
    radius 8 and 5 above.
    """
    reach = max(8, radius)
    size = 3 if radius <= 8 else 5
    place = np.arange(-reach, reach + 1)
    inside = (place[:, None] ** 2 + place**2 <= radius**2).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside / inside.sum(), (size, size), alias), np.float32)


def defocus_blur(image: Image, *, radius: int, alias: float, in_float: bool) -> Image:
    """Return the image filtered by `aliased_disk`, in uint8 or channel by channel in float64."""
    disk = aliased_disk(radius, alias)
    if not in_float:
        return np.asarray(cv2.filter2D(image, -1, disk), np.uint8)
    level = image / 255.0
    channels = [cv2.filter2D(level[..., channel], -1, disk) for channel in range(3)]
    return _cast(np.stack(channels, axis=2))


def motion_blur(image: Image, *, length: int, angle: float) -> Image:
    """Return the image filtered by a one-pixel line of ``length`` taps, centred.

    As in AlbumentationsX; the angle in degrees counter-clockwise.
    """
    kernel = np.zeros((length, length), np.float32)
    half = (length - 1) / 2
    along = half * math.cos(math.radians(angle)), -half * math.sin(math.radians(angle))
    ends = [(round(half - s * along[0]), round(half - s * along[1])) for s in (1, -1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def one_sided_motion_blur(image: Image, *, radius: int, sigma: float, angle: float) -> Image:
    """Return the weighted sum of ``2 radius + 1`` shifted copies, weights half a Gaussian.

    As in imagecorruptions: degrees clockwise, and the edge is repeated where a copy moved away.
    """
    steps = 2 * radius + 1
    weights = np.exp(-(np.arange(steps) ** 2) / (2 * sigma**2)).astype(np.float32)
    weights /= weights.sum()
    turn = math.radians(angle)
    height, width = image.shape[:2]
    around = np.pad(image.astype(np.float32), ((steps, steps), (steps, steps), (0, 0)), "edge")
    total = np.zeros(image.shape, np.float32)
    term = np.empty(image.shape, np.float32)
    for step, weight in enumerate(weights):
        top = steps + round(step * math.sin(turn))
        left = steps + round(step * math.cos(turn))
        total += np.multiply(around[top : top + height, left : left + width], weight, out=term)
    return np.clip(total, 0, 255).astype(np.uint8)


def glass_blur(
    image: Image, random: Generator, *, sigma: float, distance: int, iterations: int
) -> Image:
    """Return: Gaussian, then each pixel copied from a near one, pass by pass, then Gaussian."""
    blurred = _cast(ndimage.gaussian_filter(image / 255.0, (sigma, sigma, 0)))
    height, width = image.shape[:2]
    rows, columns = height - 2 * distance, width - 2 * distance
    moves = random.integers(-distance, distance, (iterations, rows, columns, 2))
    _copy_near(blurred, moves, distance)
    return _cast(ndimage.gaussian_filter(blurred / 255.0, (sigma, sigma, 0)))


@numba.njit(cache=False, nogil=True)
def _copy_near(image: Image, moves: NDArray[np.int64], distance: int) -> None:
    height, width = image.shape[:2]
    for step in range(moves.shape[0]):
        for i in range(moves.shape[1]):
            for j in range(moves.shape[2]):
                row, column = height - distance - 1 - i, width - distance - 1 - j
                down, right = moves[step, i, j]
                for channel in range(image.shape[2]):
                    image[row, column, channel] = image[row + down, column + right, channel]


def zoom_blur(image: Image, *, factor: float, step: float) -> Image:
    """Return the mean of the image and of its centre enlarged 1, 1 + step, ... below factor."""
    level = image / 255.0
    total = level.copy()
    zooms = np.arange(1.0, factor, step)
    for zoom in zooms:
        total += _enlarged_centre(level, float(zoom))
    return _cast(total / (len(zooms) + 1))


def _enlarged_centre(level: NDArray[np.float64], zoom: float) -> NDArray[np.float64]:
    height, width = level.shape[:2]
    rows, columns = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - rows) // 2, (width - columns) // 2
    centre = level[top : top + rows, left : left + columns]
    large = ndimage.zoom(centre, (zoom, zoom, 1), order=1)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    enlarged: NDArray[np.float64] = large[top : top + height, left : left + width]
    return enlarged


def _cast(level: NDArray[np.float64]) -> Image:
    """Return levels by truncation, as ImageNet-C stores them."""
    return (np.clip(level, 0, 1) * 255).astype(np.uint8)
