"""Between images (uint8, HWC) and planes (float32, CHW, levels 0-255): rounding, borders."""

from __future__ import annotations

import math

import numpy as np

from degrade.ops.kernels.arrays import Float32, UInt8
from degrade.ops.kernels.compile import inline, kernel


@inline
def rounded(value: np.float32) -> np.float32:
    """Return the nearest integer, halves to even, for |value| < 2**22.

    Adding and subtracting 1.5 * 2**23 leaves IEEE rounding no other choice, on any machine.
    """
    return np.float32(np.float32(value + np.float32(12582912.0)) - np.float32(12582912.0))


@inline
def clipped(level: np.float32) -> np.float32:
    """Return the level cut to 0-255."""
    return min(max(level, np.float32(0.0)), np.float32(255.0))


@inline
def reflected(index: int, size: int) -> int:
    """Return the index inside 0..size-1 that ``index`` mirrors to, the edge not repeated.

    OpenCV's BORDER_REFLECT_101, for any distance and any size of at least 1.
    """
    if size == 1:
        return 0
    period = 2 * (size - 1)
    folded = index % period
    return folded if folded < size else period - folded


@kernel
def to_planes(image: UInt8, result: Float32 | None = None) -> Float32:
    """Return an ``(H, W, 3)`` uint8 image as ``(3, H, W)`` levels, in ``result`` if given."""
    height, width, _ = image.shape
    planes = np.empty((3, height, width), np.float32) if result is None else result
    flat = image.reshape(-1)
    for y in range(height):
        row = flat[3 * width * y : 3 * width * (y + 1)]
        red, green, blue = planes[0, y], planes[1, y], planes[2, y]
        for x in range(width):
            red[x] = np.float32(row[3 * x])
            green[x] = np.float32(row[3 * x + 1])
            blue[x] = np.float32(row[3 * x + 2])
    return planes


@inline
def _byte(level: np.float32) -> np.uint8:
    return np.uint8(np.int32(rounded(min(max(level, np.float32(0.0)), np.float32(255.0)))))


@kernel
def from_planes(planes: Float32) -> UInt8:
    """Return ``(3, H, W)`` float32 levels as an ``(H, W, 3)`` uint8 image, rounded, clipped."""
    _, height, width = planes.shape
    image = np.empty((height, width, 3), np.uint8)
    flat = image.reshape(-1)
    for y in range(height):
        row = flat[3 * width * y : 3 * width * (y + 1)]
        red, green, blue = planes[0, y], planes[1, y], planes[2, y]
        for x in range(width):
            row[3 * x] = _byte(red[x])
            row[3 * x + 1] = _byte(green[x])
            row[3 * x + 2] = _byte(blue[x])
    return image


@kernel
def round_levels(planes: Float32) -> Float32:
    """Return the planes with every level rounded (halves to even) and clipped to 0-255."""
    result = np.empty_like(planes)
    source, target = planes.reshape(-1), result.reshape(-1)
    for i in range(source.size):
        target[i] = rounded(min(max(source[i], np.float32(0.0)), np.float32(255.0)))
    return result


@kernel
def truncated(planes: Float32, result: Float32) -> Float32:
    """Return the planes with every level cut to the whole one below, 0-255."""
    source, target = planes.reshape(-1), result.reshape(-1)
    for i in range(source.size):
        target[i] = math.floor(min(max(source[i], np.float32(0.0)), np.float32(255.0)))
    return result


@kernel
def framed(planes: Float32, reach: int, result: Float32) -> Float32:
    """Write the planes and ``reach`` repeated edge pixels on every side into ``result``.

    float32 (C, H, W) to (C, H + 2 reach, W + 2 reach); OpenCV's BORDER_REPLICATE.
    """
    channels, height, width = planes.shape
    for c in range(channels):
        for y in range(height + 2 * reach):
            source = planes[c, min(max(y - reach, 0), height - 1)]
            target = result[c, y]
            target[:reach] = source[0]
            target[reach : reach + width] = source
            target[reach + width :] = source[width - 1]
    return result


@kernel
def unframed(planes: Float32, reach: int, result: Float32) -> Float32:
    """Write what lies inside a frame of ``reach`` pixels into ``result``."""
    for c in range(result.shape[0]):
        for y in range(result.shape[1]):
            result[c, y] = planes[c, y + reach, reach : reach + result.shape[2]]
    return result
