"""JPEG there and back without the file: all that loses information, none of the entropy coding.

Equal in every byte to libjpeg-turbo's baseline encoder and decoder with their defaults
(accurate integer transform, fancy upsampling): colour conversion of ``jccolor.c`` and
``jdcolor.c``, chroma averaging of ``jcsample.c``, edge padding of ``jcprepct.c`` and triangle
upsampling of ``jdsample.c``. Quantisation tables: ITU-T T.81 Annex K, scaled as ``jcparam.c``
(jpeg_quality_scaling).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from degrade.ops.codec.dct import BLOCKS_AT_ONCE, transform_block_row
from degrade.ops.kernels.arrays import Float32, Int32, UInt8
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.planes import from_planes, rounded, to_planes


def jpeg(planes: Float32, stream: object, *, quality: int, subsampling: str) -> Float32:
    """Return the planes after JPEG at ``quality`` 1-100; levels are rounded to 8 bits first."""
    return round_trip_planes(planes, quality=quality, subsampling=subsampling)


SUBSAMPLINGS = {"444": (1, 1), "422": (1, 2), "420": (2, 2)}
"""Name to how many luma samples, down and across, share a chroma sample."""

# ITU-T T.81 (1992), tables K.1 and K.2, row order.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip


@cache
def quantisation_tables(quality: int) -> Int32:
    """Return the luminance and chrominance tables, int32 (2, 64) in row order, for 1-100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = np.array([_LUMINANCE, _CHROMINANCE], np.int32)
    tables = np.clip((base * scale + 50) // 100, 1, 255).astype(np.int32)
    tables.setflags(write=False)
    return tables


def round_trip(image: UInt8, *, quality: int, subsampling: str = "420") -> UInt8:
    """Return an (H, W, 3) uint8 RGB image as JPEG gives it back.

    Parameters
    ----------
    image
        uint8 (H, W, 3), any size from 1 × 1.
    quality
        1-100.
    subsampling
        ``444``, ``422`` or ``420``.
    """
    planes = to_planes(np.ascontiguousarray(image))
    return from_planes(round_trip_planes(planes, quality=quality, subsampling=subsampling))


def round_trip_planes(planes: Float32, *, quality: int, subsampling: str) -> Float32:
    """Return float32 (3, H, W) planes as JPEG gives them back; rounds to 8 bits first."""
    tables = quantisation_tables(quality)
    down, across = SUBSAMPLINGS[subsampling]
    return _round_trip(planes, tables, down, across)


@inline
def _padded(size: int, factor: int, whole: int) -> int:
    """Return the samples of a component along one axis, up to a multiple of ``whole``."""
    real = (size + factor - 1) // factor
    return (real + whole - 1) // whole * whole


@kernel
def _round_trip(planes: Float32, tables: Int32, down: int, across: int) -> Float32:
    _, height, width = planes.shape
    luma = np.empty((_padded(height, 1, 8), _padded(width, 1, 8 * BLOCKS_AT_ONCE)), np.uint8)
    chroma = _padded(height, down, 8), _padded(width, across, 8 * BLOCKS_AT_ONCE)
    blue, red = np.empty(chroma, np.uint8), np.empty(chroma, np.uint8)
    _to_components(planes, luma, blue, red, down, across)
    _transform(luma, tables[0])
    _transform(blue, tables[1])
    _transform(red, tables[1])
    return _from_components(luma, blue, red, height, width, down, across)


@inline
def _transform(samples: UInt8, steps: Int32) -> None:
    inverses = np.empty(64, np.float32)
    for k in range(64):
        inverses[k] = np.float32(1.0) / np.float32(8 * steps[k])
    work = np.empty(64 * BLOCKS_AT_ONCE, np.int32)
    for top in range(0, samples.shape[0], 8):
        transform_block_row(samples[top : top + 8], steps, inverses, work)


@inline
def _level(value: np.float32) -> np.int32:
    return np.int32(rounded(min(max(value, np.float32(0.0)), np.float32(255.0))))


@inline
def _weighted(
    x: np.int32, y: np.int32, z: np.int32, a: int, b: int, c: int, offset: int
) -> np.int32:
    """Return ``(a x + b y + c z + offset) / 2**16``, rounded down, in 32 bits all the way.

    Whole-number literals are 64 bits wide to Numba, and would halve the vectors.
    """
    total = np.int32(np.int32(a) * x) + np.int32(np.int32(b) * y) + np.int32(np.int32(c) * z)
    return np.int32(np.int32(total + np.int32(offset)) >> np.int32(16))


@inline
def _convert_row(planes: Float32, y: int, luma: UInt8, blue: Int32, red: Int32) -> None:
    """Fill one row of Y, Cb and Cr; beyond the image's width the last pixel repeats."""
    width = planes.shape[2]
    for x in range(width):
        r, g, b = _level(planes[0, y, x]), _level(planes[1, y, x]), _level(planes[2, y, x])
        luma[x] = np.uint8(_weighted(r, g, b, 19595, 38470, 7471, 32768))
        blue[x] = _weighted(r, g, b, -11059, -21709, 32768, 8421375)
        red[x] = _weighted(r, g, b, 32768, -27439, -5329, 8421375)
    luma[width:] = luma[width - 1]
    blue[width:] = blue[width - 1]
    red[width:] = red[width - 1]


@inline
def _average(upper: Int32, lower: Int32, row: UInt8, down: int, across: int) -> None:
    """Average chroma samples; the rounding bias alternates so that it cancels (jcsample.c)."""
    if across == 1:
        for x in range(row.size):
            row[x] = np.uint8(upper[x])
    elif down == 1:
        for x in range(row.size):
            row[x] = np.uint8((upper[2 * x] + upper[2 * x + 1] + (x & 1)) >> 1)
    else:
        for x in range(row.size):
            total = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
            row[x] = np.uint8((total + 1 + (x & 1)) >> 2)


@inline
def _to_components(
    planes: Float32, luma: UInt8, blue: UInt8, red: UInt8, down: int, across: int
) -> None:
    """Convert and subsample; below the image the last row of each component repeats."""
    height = planes.shape[1]
    wide = blue.shape[1] * across
    blues = np.empty((2, wide), np.int32)
    reds = np.empty((2, wide), np.int32)
    real = (height + down - 1) // down
    for row in range(real):
        for part in range(down):
            y = min(row * down + part, height - 1)
            _convert_row(planes, y, luma[y], blues[part], reds[part])
        _average(blues[0], blues[1], blue[row], down, across)
        _average(reds[0], reds[1], red[row], down, across)
    for row in range(real, blue.shape[0]):
        blue[row] = blue[real - 1]
        red[row] = red[real - 1]
    for row in range(height, luma.shape[0]):
        luma[row] = luma[height - 1]


@inline
def _widened(near: UInt8, far: UInt8, down: int, real: int, row: Int32) -> None:
    """Fill one full-width chroma row by triangle interpolation of ``real`` samples (jdsample.c)."""
    if real <= 2:
        for x in range(real):
            row[2 * x] = row[2 * x + 1] = np.int32(near[x])
        return
    last = real - 1
    if down == 1:
        for x in range(1, last):
            here = 3 * np.int32(near[x])
            row[2 * x] = np.int32((here + np.int32(near[x - 1]) + 1) >> 2)
            row[2 * x + 1] = np.int32((here + np.int32(near[x + 1]) + 2) >> 2)
        row[0] = np.int32(near[0])
        row[1] = np.int32((3 * np.int32(near[0]) + np.int32(near[1]) + 2) >> 2)
        row[2 * last] = np.int32((3 * np.int32(near[last]) + np.int32(near[last - 1]) + 1) >> 2)
        row[2 * last + 1] = np.int32(near[last])
        return
    for x in range(1, last):
        here = 3 * np.int32(near[x]) + np.int32(far[x])
        left = 3 * np.int32(near[x - 1]) + np.int32(far[x - 1])
        right = 3 * np.int32(near[x + 1]) + np.int32(far[x + 1])
        row[2 * x] = np.int32((3 * here + left + 8) >> 4)
        row[2 * x + 1] = np.int32((3 * here + right + 7) >> 4)
    first, second = (
        3 * np.int32(near[0]) + np.int32(far[0]),
        3 * np.int32(near[1]) + np.int32(far[1]),
    )
    final = 3 * np.int32(near[last]) + np.int32(far[last])
    before = 3 * np.int32(near[last - 1]) + np.int32(far[last - 1])
    row[0] = np.int32((4 * first + 8) >> 4)
    row[1] = np.int32((3 * first + second + 7) >> 4)
    row[2 * last] = np.int32((3 * final + before + 8) >> 4)
    row[2 * last + 1] = np.int32((4 * final + 7) >> 4)


@inline
def _chroma_row(
    component: UInt8, y: int, height: int, width: int, down: int, across: int, row: Int32
) -> None:
    real_rows, real = (height + down - 1) // down, (width + across - 1) // across
    if across == 1:
        for x in range(width):
            row[x] = np.int32(component[y, x])
        return
    near = y // down
    far = near
    if down == 2:
        far = near - 1 if y % 2 == 0 else near + 1
        far = min(max(far, 0), real_rows - 1)
    _widened(component[near], component[far], down, real, row)


@inline
def _byte(level: np.int32) -> np.float32:
    return np.float32(min(max(level, np.int32(0)), np.int32(255)))


@inline
def _from_components(
    luma: UInt8, blue: UInt8, red: UInt8, height: int, width: int, down: int, across: int
) -> Float32:
    planes = np.empty((3, height, width), np.float32)
    blues = np.empty(width + 2, np.int32)
    reds = np.empty(width + 2, np.int32)
    for y in range(height):
        _chroma_row(blue, y, height, width, down, across, blues)
        _chroma_row(red, y, height, width, down, across, reds)
        for x in range(width):
            level = np.int32(luma[y, x])
            cb, cr = np.int32(blues[x] - 128), np.int32(reds[x] - 128)
            planes[0, y, x] = _byte(np.int32(level + _weighted(cb, cr, cr, 0, 91881, 0, 32768)))
            green = _weighted(cb, cr, cr, -22554, -46802, 0, 32768)
            planes[1, y, x] = _byte(np.int32(level + green))
            planes[2, y, x] = _byte(np.int32(level + _weighted(cb, cr, cr, 116130, 0, 0, 32768)))
    return planes
