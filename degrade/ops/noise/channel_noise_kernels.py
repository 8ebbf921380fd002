"""Noise that depends on the channels or on the level: luma, correlated, speckle.

Value i of a noise field belongs to flat position i of the planes (channel, row, column), or
of one plane where the channels share the field. ``result`` is written into and returned; it
must not overlap the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.normal import fill_normals
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words

__all__ = ["correlated_noise", "luma_noise", "speckle_noise"]


@inline
def _clipped(level: np.float32) -> np.float32:
    return min(max(level, np.float32(0.0)), np.float32(255.0))


@kernel
def luma_noise(
    planes: NDArray[np.float32],
    sigma: float,
    stream: NDArray[np.uint32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the planes with the same ``sigma * normal`` on all three channels.

    A change is cut where the first channel would leave 0-255, so that the differences between
    the channels, and with them Cb and Cr, stay.

    Parameters
    ----------
    planes
        float32 (3, H, W), levels 0-255.
    sigma
        Standard deviation of Y, levels.
    stream
        uint32 (5), see `degrade.ops.kernels.philox.fill_words`.
    result
        float32 (3, H, W) to write into.
    """
    size = planes.size // 3
    source, target = planes.reshape(3, size), result.reshape(3, size)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    scale = np.float32(sigma)
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start, end = chunk * CHUNK, min((chunk + 1) * CHUNK, size)
        red, green, blue = source[0, start:end], source[1, start:end], source[2, start:end]
        for i in range(end - start):
            lowest = min(red[i], min(green[i], blue[i]))
            highest = max(red[i], max(green[i], blue[i]))
            change = min(max(scale * normals[i], -lowest), np.float32(255.0) - highest)
            target[0, start + i] = _clipped(red[i] + change)
            target[1, start + i] = _clipped(green[i] + change)
            target[2, start + i] = _clipped(blue[i] + change)
    return result


@kernel
def correlated_noise(
    planes: NDArray[np.float32],
    mixing: NDArray[np.float32],
    field: NDArray[np.float32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the planes plus ``mixing @ normals``, clipped.

    Parameters
    ----------
    planes
        float32 (3, H, W), levels 0-255.
    mixing
        float32 (3, 3), a lower triangular Cholesky factor, levels.
    field
        float32 (3 * H * W), from `degrade.ops.noise.noise_kernels.normal_field`.
    result
        float32 (3, H, W) to write into.
    """
    size = field.size // 3
    source, target = planes.reshape(3, size), result.reshape(3, size)
    first, second, third = field[:size], field[size : 2 * size], field[2 * size :]
    for i in range(size):
        target[0, i] = _clipped(source[0, i] + mixing[0, 0] * first[i])
        green = mixing[1, 0] * first[i] + mixing[1, 1] * second[i]
        target[1, i] = _clipped(source[1, i] + green)
        blue = (mixing[2, 0] * first[i] + mixing[2, 1] * second[i]) + mixing[2, 2] * third[i]
        target[2, i] = _clipped(source[2, i] + blue)
    return result


@kernel
def speckle_noise(
    planes: NDArray[np.float32],
    sigma: float,
    stream: NDArray[np.uint32],
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return ``planes + planes * sigma * normal``, clipped; ``sigma`` is a share of the level."""
    source, target = planes.reshape(-1), result.reshape(-1)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    scale = np.float32(sigma)
    for chunk in range((source.size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, source.size - start)):
            level = source[start + i]
            target[start + i] = _clipped(level + level * (scale * normals[i]))
    return result
