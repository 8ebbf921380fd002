"""Noise: Gaussian, shot, impulse. Planes in and out, float32 (3, H, W), levels 0-255."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.memory import PLANES
from degrade.ops.noise import noise_kernels as kernels
from degrade.ops.noise.poisson import poisson_tables

__all__ = ["gaussian_noise", "impulse_noise", "shot_noise"]

Planes = NDArray[np.float32]
StreamWords = NDArray[np.uint32]


def gaussian_noise(
    planes: Planes, stream: StreamWords, *, sigma: float, per_channel: bool
) -> Planes:
    """Return the planes plus normal noise of ``sigma`` levels, clipped to 0-255."""
    return kernels.gaussian_noise(
        planes, float(sigma), per_channel, stream, PLANES.take(planes.shape)
    )


def shot_noise(planes: Planes, stream: StreamWords, *, photons: float) -> Planes:
    """Return Poisson(level / 255 * photons) * 255 / photons for each level, clipped to 255.

    Levels are rounded to 8 bits first. Variance at level v: v * 255 / photons.
    """
    laws, columns = poisson_tables(float(photons))
    result = PLANES.take(planes.shape)
    return kernels.shot_noise(planes, stream, laws, columns, 255.0 / photons, result)


def impulse_noise(
    planes: Planes, stream: StreamWords, *, amount: float, per_channel: bool
) -> Planes:
    """Return the planes with a share ``amount`` of values (or pixels) set to 0 or 255."""
    result = PLANES.take(planes.shape)
    return kernels.impulse_noise(planes, float(amount), per_channel, stream, result)
