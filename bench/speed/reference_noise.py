"""Noise as the peers define it, written from their formulas in NumPy and OpenCV.

uint8 (height, width, 3) RGB in and out. Sources: AlbumentationsX, the documentation of each
transform; imagecorruptions and ImageNet-C: D. Hendrycks and T. Dietterich, "Benchmarking Neural
Network Robustness to Common Corruptions and Perturbations", ICLR 2019, whose results are cast
to whole levels by truncation.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from bench.speed.case import Image

__all__ = [
    "gaussian_noise", "gaussian_noise_cv2", "impulse_pixels", "impulse_values", "shot_noise",
    "shot_noise_linear_light", "speckle_noise",
]  # fmt: skip


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
