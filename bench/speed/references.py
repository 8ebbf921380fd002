"""What the peers compute, written from their formulas in NumPy, SciPy and OpenCV.

uint8 (height, width, 3) RGB in and out. Sources: the documentation of AlbumentationsX; D.
Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", ICLR 2019, and its package imagecorruptions (half-Gaussian motion by shifts,
glass by copies of near pixels, zoom as the mean of enlarged centres).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import cv2
import numba
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from degrade import Step
from degrade.images import Image


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
    index = np.arange(-reach, reach + 1)
    inside = (index[:, None] ** 2 + index**2 <= radius**2).astype(np.float32)
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


def jpeg_cv2(image: Image, *, quality: int) -> Image:
    """Return ``cv2.imdecode(cv2.imencode)``: libjpeg-turbo, 4:2:0; channels as they come."""
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)


def jpeg_pillow(image: Image, *, quality: int) -> Image:
    """Return Pillow's encode + decode, as ImageNet-C does it."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file))


def downscale(image: Image, *, divisor: int) -> Image:
    """Return block means by ``cv2.resize``: area down, nearest up (AlbumentationsX Downscale)."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // divisor, height // divisor), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.uint8)


def pixelate_pillow(image: Image, *, factor: float) -> Image:
    """Return Pillow's box shrink by ``factor`` and nearest enlargement (imagecorruptions)."""
    height, width = image.shape[:2]
    size = int(width * factor), int(height * factor)
    small = Pillow.fromarray(image).resize(size, Pillow.Resampling.BOX)
    return np.asarray(small.resize((width, height), Pillow.Resampling.NEAREST))


def gaussian_noise_cv2(image: Image, *, sigma: float, per_channel: bool) -> Image:
    """Return image + N(0, sigma) by ``cv2.randn``, as AlbumentationsX's GaussNoise does it.

    ``sigma`` in levels; ``per_channel`` False adds one field to all channels.
    """
    noise = np.empty(image.shape if per_channel else image.shape[:2], np.float32)
    cv2.randn(noise, np.zeros(1), np.full(1, sigma))
    total = image + (noise if per_channel else noise[..., None])
    result: Image = np.clip(np.rint(total), 0, 255).astype(np.uint8)
    return result


def gaussian_noise(image: Image, random: Generator, *, sigma: float) -> Image:
    """Return clip(x + N(0, sigma)), x in [0, 1], one value a channel."""
    noisy = image / 255.0 + random.normal(scale=sigma, size=image.shape)
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def shot_noise(image: Image, random: Generator, *, photons: float) -> Image:
    """Return clip(Poisson(x * photons) / photons), x in [0, 1]."""
    noisy = random.poisson(image / 255.0 * photons) / photons
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def shot_noise_linear_light(image: Image, random: Generator, *, scale: float) -> Image:
    """Return Poisson noise of variance ``scale`` times the linear light x**2.2, gamma-coded back.

    AlbumentationsX's ShotNoise; ``scale`` is 1 / photons at level 255.
    """
    light = np.power(image / 255.0, 2.2)
    noisy = np.clip(random.poisson(light / scale) * scale, 0, 1)
    result: Image = np.rint(np.power(noisy, 1 / 2.2) * 255).astype(np.uint8)
    return result


def speckle_noise(image: Image, random: Generator, *, sigma: float) -> Image:
    """Return clip(x + x N(0, sigma)), x in [0, 1]."""
    level = image / 255.0
    noisy = level + level * random.normal(scale=sigma, size=image.shape)
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def impulse_values(image: Image, random: Generator, *, amount: float) -> Image:
    """Return the image with a share of its values set to 0 or 255, half each."""
    struck = random.random(image.shape) < amount
    white = random.random(image.shape) < 0.5
    result = image.copy()
    result[struck & white] = 255
    result[struck & ~white] = 0
    return result


def impulse_pixels(image: Image, random: Generator, *, amount: float) -> Image:
    """Return the image with exactly a share of its pixels set to black or white, half each."""
    pixels = image.reshape(-1, 3).copy()
    count = round(len(pixels) * amount)
    struck = random.choice(len(pixels), size=count, replace=False)
    pixels[struck[: count // 2]] = 255
    pixels[struck[count // 2 :]] = 0
    return pixels.reshape(image.shape)


COLOUR = ("colour_shift", "colour_jitter", "grey")
"""Operations left out on both sides."""

Levels = NDArray[np.float32]


def degrade_as_basicsr(image: Image, steps: Sequence[Step], random: np.random.RandomState) -> Image:
    """Return the low-quality image of the steps of ``gfpgan`` without `COLOUR`.

    The image is uint8 (height, width, 3), BGR as OpenCV reads it; ``random`` NumPy's legacy
    generator, which BasicSR draws from. ValueError for a step that the recipe did not have when
    this was written.
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
    index = np.arange(-(size // 2), size // 2 + 1.0)
    columns, rows = np.meshgrid(index, index)
    grid = np.stack([columns, rows], axis=2)
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    covariance = turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T
    weights = np.exp(-0.5 * np.sum((grid @ np.linalg.inv(covariance)) * grid, axis=2))
    kernel: NDArray[np.float64] = weights / weights.sum()
    return kernel
