"""Noise made of normals, and impulses: Gaussian, luma, correlated, speckle, impulse.

Value i of a noise field belongs to flat position i of the planes (channel, row, column), or
of one plane where the channels share the field. Kernels write into ``result`` and return it; it
must not overlap the input.
"""

from __future__ import annotations

import math

import numpy as np

from degrade.ops.kernels.arrays import Float32, Planes, StreamWords, UInt32
from degrade.ops.kernels.compile import kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_normals, fill_words
from degrade.ops.kernels.planes import clipped
from degrade.ops.noise.entries import possible_correlations


def gaussian_noise(
    planes: Planes, stream: StreamWords, *, sigma: float, per_channel: bool
) -> Planes:
    """Return the planes plus normal noise of ``sigma`` levels, clipped to 0-255."""
    return gaussian_noise_kernel(
        planes, float(sigma), per_channel, stream, PLANES.take(planes.shape)
    )


def impulse_noise(
    planes: Planes, stream: StreamWords, *, amount: float, per_channel: bool
) -> Planes:
    """Return the planes with a share ``amount`` of values (or pixels) set to 0 or 255."""
    result = PLANES.take(planes.shape)
    return impulse_noise_kernel(planes, float(amount), per_channel, stream, result)


@kernel
def normal_field(count: int, stream: UInt32) -> Float32:
    """Return the first ``count`` standard normals of a stream, float32."""
    field = np.empty(count, np.float32)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    for chunk in range((count + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, count - start)):
            field[start + i] = normals[i]
    return field


@kernel
def gaussian_noise_kernel(
    planes: Float32, sigma: float, per_channel: bool, stream: UInt32, result: Float32 | None = None
) -> Float32:
    """Return ``planes + sigma * normal``, clipped to 0-255.

    Parameters
    ----------
    sigma
        Standard deviation in 8-bit levels.
    per_channel
        One field for each channel, or one field for all (grey noise).
    """
    out = np.empty_like(planes) if result is None else result
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), out.reshape(fields, size)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    scale = np.float32(sigma)
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for field in range(fields):
            for i in range(min(CHUNK, size - start)):
                level = source[field, start + i] + scale * normals[i]
                target[field, start + i] = min(max(level, np.float32(0.0)), np.float32(255.0))
    return out


@kernel
def impulse_noise_kernel(
    planes: Float32, amount: float, per_channel: bool, stream: UInt32, result: Float32 | None = None
) -> Float32:
    """Return the planes with a share ``amount`` of the values set to 0 or 255, half each.

    One word decides: below ``amount * 2**32`` it is an impulse, below half of that a white one.
    ``per_channel`` False strikes whole pixels.
    """
    out = np.empty_like(planes) if result is None else result
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), out.reshape(fields, size)
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
    return out


def luma_noise(planes: Planes, stream: StreamWords, *, sigma: float) -> Planes:
    """Return the planes with normal noise of ``sigma`` levels in Y; Cb and Cr stay as they are."""
    return luma_noise_kernel(planes, float(sigma), stream, PLANES.take(planes.shape))


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
    return correlated_noise_kernel(planes, mixing.astype(np.float32), field, result)


def speckle_noise(planes: Planes, stream: StreamWords, *, sigma: float) -> Planes:
    """Return ``x + x * normal * sigma``, clipped: ``sigma`` is a share of the level.

    ImageNet-C's speckle_noise (hendrycks/robustness, make_imagenet_c.py).
    """
    return speckle_noise_kernel(planes, float(sigma), stream, PLANES.take(planes.shape))


@kernel
def luma_noise_kernel(planes: Float32, sigma: float, stream: UInt32, result: Float32) -> Float32:
    """Return the planes with the same ``sigma * normal`` on all three channels.

    A change is cut where the first channel would leave 0-255, so that the differences between
    the channels, and with them Cb and Cr, stay.

    Parameters
    ----------
    sigma
        Standard deviation of Y, levels.
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
            target[0, start + i] = clipped(red[i] + change)
            target[1, start + i] = clipped(green[i] + change)
            target[2, start + i] = clipped(blue[i] + change)
    return result


@kernel
def correlated_noise_kernel(
    planes: Float32, mixing: Float32, field: Float32, result: Float32
) -> Float32:
    """Return the planes plus ``mixing @ normals``, clipped.

    Parameters
    ----------
    mixing
        float32 (3, 3), a lower triangular Cholesky factor, levels.
    field
        float32 (3 * H * W), from `degrade.ops.noise.gaussian.normal_field`.
    """
    size = field.size // 3
    source, target = planes.reshape(3, size), result.reshape(3, size)
    first, second, third = field[:size], field[size : 2 * size], field[2 * size :]
    for i in range(size):
        target[0, i] = clipped(source[0, i] + mixing[0, 0] * first[i])
        green = mixing[1, 0] * first[i] + mixing[1, 1] * second[i]
        target[1, i] = clipped(source[1, i] + green)
        blue = (mixing[2, 0] * first[i] + mixing[2, 1] * second[i]) + mixing[2, 2] * third[i]
        target[2, i] = clipped(source[2, i] + blue)
    return result


@kernel
def speckle_noise_kernel(planes: Float32, sigma: float, stream: UInt32, result: Float32) -> Float32:
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
            target[start + i] = clipped(level + level * (scale * normals[i]))
    return result
