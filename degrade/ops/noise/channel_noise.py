"""Noise that depends on the channels or the level: luma, correlated, speckle. Planes in and out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.memory import PLANES
from degrade.ops.noise import channel_noise_kernels as kernels
from degrade.ops.noise.correlations import possible_correlations
from degrade.ops.noise.noise_kernels import normal_field

__all__ = ["correlated_noise", "luma_noise", "speckle_noise"]

Planes = NDArray[np.float32]
StreamWords = NDArray[np.uint32]


def luma_noise(planes: Planes, stream: StreamWords, *, sigma: float) -> Planes:
    """Return the planes with normal noise of ``sigma`` levels in Y; Cb and Cr stay as they are."""
    return kernels.luma_noise(planes, float(sigma), stream, PLANES.take(planes.shape))


def correlated_noise(
    planes: Planes,
    stream: StreamWords,
    *,
    sigma: float,
    red_green: float,
    red_blue: float,
    green_blue: float,
) -> Planes:
    """Return the planes plus normal noise of ``sigma`` levels, correlated between the channels.

    Correlations that contradict each other are shrunk, all by the same factor, to the nearest
    that do not; a plan records the ones used.
    """
    a, b, c = possible_correlations(red_green, red_blue, green_blue)
    # The Cholesky factor of the correlation matrix.
    second = math.sqrt(max(0.0, 1.0 - a * a))
    across = (c - a * b) / second if second > 0.0 else 0.0
    third = math.sqrt(max(0.0, 1.0 - b * b - across * across))
    mixing = np.array([[1.0, 0.0, 0.0], [a, second, 0.0], [b, across, third]]) * float(sigma)
    field = normal_field(planes.size, stream)
    result = PLANES.take(planes.shape)
    return kernels.correlated_noise(planes, mixing.astype(np.float32), field, result)


def speckle_noise(planes: Planes, stream: StreamWords, *, sigma: float) -> Planes:
    """Return ``x + x * normal * sigma``, clipped: ``sigma`` is a share of the level.

    ImageNet-C's speckle_noise (hendrycks/robustness, make_imagenet_c.py).
    """
    return kernels.speckle_noise(planes, float(sigma), stream, PLANES.take(planes.shape))
