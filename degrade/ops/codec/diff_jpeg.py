"""BasicSR's DiffJPEG: a JPEG without integers, as Real-ESRGAN degrades with.

basicsr/utils/diffjpeg.py (after M. Lomnitz, DiffJPEG) with its own rounding: the image is
padded to a multiple of 16 with black, chroma is the mean of 2 × 2 and comes back by repeating,
the transform is in floating point, and the quantisation steps are neither rounded nor cut to
1-255 and stand the other way round (the tables are transposed). Only coefficients are rounded.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from degrade.ops.codec.jpeg import quantisation_tables
from degrade.ops.kernels.arrays import Float32, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import clipped, rounded
from degrade.portable_math import cos_degrees


def diff_jpeg(planes: Planes, stream: object, *, quality: float) -> Planes:
    """Return the planes after DiffJPEG at a real ``quality`` of 1-99; nothing is rounded.

    See `degrade.ops.codec.diff_jpeg` for how it differs from JPEG; `jpeg` is the real one.
    """
    result = PLANES.take(planes.shape)
    return round_trip_floating(planes, float_steps(float(quality)), cosines(), result)


@cache
def cosines() -> Float32:
    """Return the orthonormal cosine transform, float32 (8, 8): frequency, place.

    c(u) / 2 * cos((2x + 1) u π / 16), c(0) = √½, else 1 (ITU-T T.81, A.3.3).
    """
    matrix = np.empty((8, 8), np.float32)
    for u in range(8):
        scale = 0.5 if u else 0.3535533905932738
        for x in range(8):
            matrix[u, x] = scale * cos_degrees(11.25 * ((2 * x + 1) * u))
    matrix.setflags(write=False)
    return matrix


def float_steps(quality: float) -> Float32:
    """Return the quantisation steps of Y and of chroma, float32 (2, 8, 8), transposed.

    T.81's tables, as libjpeg holds them at quality 50, times 50 / quality below 50 and
    2 − quality / 50 from there on.
    """
    factor = (5000.0 / quality if quality < 50.0 else 200.0 - 2.0 * quality) / 100.0
    base = quantisation_tables(50).reshape(2, 8, 8).transpose(0, 2, 1)
    return np.ascontiguousarray(base.astype(np.float32) * np.float32(factor))


@inline
def _transform(samples: Float32, steps: Float32, cosine: Float32) -> None:
    """Quantise every 8 × 8 block of ``samples`` in place; both sides are multiples of 8.

    A row of blocks at a time, eight rows by the whole width, so that the sums over rows run
    along contiguous memory.
    """
    height, width = samples.shape
    work = np.empty((8, width), np.float32)
    block = np.empty(8, np.float32)
    for top in range(0, height, 8):
        band = samples[top : top + 8]
        for u in range(8):
            work[u][:] = np.float32(0.0)
            for y in range(8):
                weight = cosine[u, y]
                for x in range(width):
                    work[u, x] = work[u, x] + weight * band[y, x]
        for u in range(8):
            for left in range(0, width, 8):
                _quantise_row(work[u, left : left + 8], steps[u], cosine, block)
        for y in range(8):
            band[y][:] = np.float32(0.0)
            for u in range(8):
                weight = cosine[u, y]
                for x in range(width):
                    band[y, x] = band[y, x] + weight * work[u, x]


@inline
def _quantise_row(row: Float32, steps: Float32, cosine: Float32, block: Float32) -> None:
    """Transform eight values along the row, quantise, and transform back, in place."""
    for v in range(8):
        total = np.float32(0.0)
        for x in range(8):
            total = total + cosine[v, x] * row[x]
        block[v] = rounded(total / steps[v]) * steps[v]
    for x in range(8):
        row[x] = np.float32(0.0)
    for v in range(8):
        value = block[v]
        for x in range(8):
            row[x] = row[x] + cosine[v, x] * value


@inline
def _to_components(planes: Float32, luma: Float32, blue: Float32, red: Float32) -> None:
    """Fill Y − 128, Cb − 128 and Cr − 128; black beyond the image; chroma is the mean of 4."""
    _, height, width = planes.shape
    blue[:] = np.float32(0.0)
    red[:] = np.float32(0.0)
    quarter = np.float32(0.25)
    for y in range(luma.shape[0]):
        for x in range(luma.shape[1]):
            if y >= height or x >= width:
                luma[y, x] = np.float32(-128.0)
                continue
            r, g, b = planes[0, y, x], planes[1, y, x], planes[2, y, x]
            level = np.float32(0.299) * r + np.float32(0.587) * g + np.float32(0.114) * b
            luma[y, x] = level - np.float32(128.0)
            towards_blue = (
                np.float32(-0.168736) * r - np.float32(0.331264) * g + np.float32(0.5) * b
            )
            towards_red = np.float32(0.5) * r - np.float32(0.418688) * g - np.float32(0.081312) * b
            blue[y // 2, x // 2] = blue[y // 2, x // 2] + quarter * towards_blue
            red[y // 2, x // 2] = red[y // 2, x // 2] + quarter * towards_red


@kernel
def round_trip_floating(
    planes: Float32, steps: Float32, cosine: Float32, result: Float32
) -> Float32:
    """Return float32 (3, H, W) planes as DiffJPEG gives them back, clipped and not rounded.

    Parameters
    ----------
    steps, cosine
        From `float_steps` and `cosines`.
    """
    _, height, width = planes.shape
    high, wide = (height + 15) // 16 * 16, (width + 15) // 16 * 16
    luma = np.empty((high, wide), np.float32)
    blue = np.empty((high // 2, wide // 2), np.float32)
    red = np.empty((high // 2, wide // 2), np.float32)
    _to_components(planes, luma, blue, red)
    _transform(luma, steps[0], cosine)
    _transform(blue, steps[1], cosine)
    _transform(red, steps[1], cosine)
    for y in range(height):
        for x in range(width):
            level = luma[y, x] + np.float32(128.0)
            cb, cr = blue[y // 2, x // 2], red[y // 2, x // 2]
            result[0, y, x] = clipped(level + np.float32(1.402) * cr)
            green = level - np.float32(0.344136) * cb - np.float32(0.714136) * cr
            result[1, y, x] = clipped(green)
            result[2, y, x] = clipped(level + np.float32(1.772) * cb)
    return result
