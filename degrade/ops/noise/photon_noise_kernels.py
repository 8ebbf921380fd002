"""Noise of counted light: BasicSR's Poisson noise, and a sensor with read noise.

The counts come from `degrade.ops.noise.counts`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import kernel
from degrade.ops.kernels.normal import fill_normals
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.ops.kernels.planes import rounded

__all__ = ["add_count_noise", "distinct_levels", "read_out"]


@kernel
def distinct_levels(planes: NDArray[np.float32]) -> int:
    """Return how many different levels the picture has once rounded to 8 bits, 1-256."""
    seen = np.zeros(256, np.uint8)
    flat = planes.reshape(-1)
    for i in range(flat.size):
        seen[np.int64(rounded(min(max(flat[i], np.float32(0.0)), np.float32(255.0))))] = 1
    found = 0
    for level in range(256):
        found += seen[level]
    return found


@kernel
def add_count_noise(
    planes: NDArray[np.float32],
    levels: NDArray[np.float32],
    counts: NDArray[np.float32],
    values: float,
    scale: float,
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return ``planes + scale * (counts * 255 / values − rounded levels)``, clipped.

    Parameters
    ----------
    planes
        float32 (3, H, W), levels 0-255.
    levels, counts
        float32, flat, one for each value of the planes or for each pixel: what was counted.
    values
        Mean count at level 255, in the unit of the counts.
    scale
        How much of the noise is added.
    result
        float32 (3, H, W) to write into.
    """
    fields = planes.size // levels.size
    source, target = planes.reshape(fields, levels.size), result.reshape(fields, levels.size)
    unit, share = np.float32(255.0 / values), np.float32(scale)
    for field in range(fields):
        for i in range(levels.size):
            level = rounded(min(max(levels[i], np.float32(0.0)), np.float32(255.0)))
            noisy = source[field, i] + share * (counts[i] * unit - level)
            target[field, i] = min(max(noisy, np.float32(0.0)), np.float32(255.0))
    return result


@kernel
def read_out(
    counts: NDArray[np.float32],
    read_sigma: float,
    unit: float,
    stream: NDArray[np.uint32],
) -> None:
    """Turn ``counts`` into ``(counts + read_sigma * normal) * unit``, clipped to 0-255, in place.

    Parameters
    ----------
    counts
        float32, flat, electrons.
    read_sigma
        Read noise, electrons.
    unit
        Levels (or light on the scale 0-255) for each electron.
    stream
        uint32 (5); normal i comes from value i.
    """
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    sigma, factor = np.float32(read_sigma), np.float32(unit)
    for chunk in range((counts.size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, counts.size - start)):
            signal = (counts[start + i] + sigma * normals[i]) * factor
            counts[start + i] = min(max(signal, np.float32(0.0)), np.float32(255.0))
