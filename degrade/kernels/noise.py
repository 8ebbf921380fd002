"""Gaussian, shot and impulse noise on planes; the streams decide every value.

Value i of a noise field belongs to flat position i of the planes (channel, row, column), or
of one plane where the channels share the field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import kernel
from degrade.kernels.normal import fill_normals
from degrade.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.kernels.planes import rounded

__all__ = ["gaussian_noise", "impulse_noise", "normal_field", "shot_noise"]


@kernel
def normal_field(
    count: int, stream: NDArray[np.uint32], table: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the first ``count`` standard normals of a stream, float32."""
    field = np.empty(count, np.float32)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(CHUNK, np.float32)
    normals = np.empty(CHUNK, np.float32)
    for chunk in range((count + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, table, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, count - start)):
            field[start + i] = normals[i]
    return field


@kernel
def gaussian_noise(
    planes: NDArray[np.float32],
    sigma: float,
    per_channel: bool,
    stream: NDArray[np.uint32],
    table: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return ``planes + sigma * normal``, clipped to 0-255.

    Parameters
    ----------
    planes
        float32 (C, H, W), levels 0-255.
    sigma
        Standard deviation in 8-bit levels.
    per_channel
        One field for each channel, or one field for all (grey noise).
    stream
        uint32 (5), see `degrade.kernels.philox.fill_words`.
    table
        From `degrade.kernels.normal.normal_table`.
    """
    result = np.empty_like(planes)
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), result.reshape(fields, size)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(CHUNK, np.float32)
    normals = np.empty(CHUNK, np.float32)
    scale = np.float32(sigma)
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, table, scratch, normals)
        start = chunk * CHUNK
        for field in range(fields):
            for i in range(min(CHUNK, size - start)):
                level = source[field, start + i] + scale * normals[i]
                target[field, start + i] = min(max(level, np.float32(0.0)), np.float32(255.0))
    return result


@kernel
def shot_noise(
    planes: NDArray[np.float32],
    stream: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    thresholds: NDArray[np.uint32],
    outcomes: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the level of a Poisson count for every value, from `degrade.kernels.poisson` tables.

    The input is rounded to 8-bit levels first: the table holds one law for each.
    """
    result = np.empty_like(planes)
    source, target = planes.reshape(-1), result.reshape(-1)
    words = np.empty(CHUNK, np.uint32)
    size = source.size
    low = np.uint64(0xFFFFFFFF)
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        start = chunk * CHUNK
        for i in range(min(CHUNK, size - start)):
            value = min(max(source[start + i], np.float32(0.0)), np.float32(255.0))
            level = np.int64(rounded(value))
            first = offsets[level]
            product = np.uint64(words[i]) * np.uint64(offsets[level + 1] - first)
            column = first + np.int64(product >> np.uint64(32))
            other = np.int64(np.uint32(product & low) >= thresholds[column])
            target[start + i] = outcomes[column, other]
    return result


@kernel
def impulse_noise(
    planes: NDArray[np.float32], amount: float, per_channel: bool, stream: NDArray[np.uint32]
) -> NDArray[np.float32]:
    """Return the planes with a share ``amount`` of the values set to 0 or 255, half each.

    One word decides: below ``amount * 2**32`` it is an impulse, below half of that a white one.
    ``per_channel`` False strikes whole pixels.
    """
    result = np.empty_like(planes)
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), result.reshape(fields, size)
    words = np.empty(CHUNK, np.uint32)
    struck = np.uint32(min(amount * 4294967296.0, 4294967295.0))
    white = np.uint32(min(amount * 2147483648.0, 4294967295.0))
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        start = chunk * CHUNK
        for field in range(fields):
            for i in range(min(CHUNK, size - start)):
                impulse = np.float32(255.0) if words[i] < white else np.float32(0.0)
                level = source[field, start + i]
                target[field, start + i] = impulse if words[i] < struck else level
    return result
