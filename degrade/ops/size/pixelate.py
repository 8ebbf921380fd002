"""Pixelation: every block takes its mean."""

from __future__ import annotations

import numpy as np

from degrade.ops.kernels.arrays import Float32, Float64
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES


def pixelate(planes: Float32, stream: object, *, block: int) -> Float32:
    """Return the planes with each ``block`` × ``block`` square set to its mean."""
    return pixelate_kernel(planes, block, PLANES.take(planes.shape))


Sums = Float32 | Float64


@inline
def _block_sums(line: Sums, block: int, sums: Sums) -> None:
    """Add up each run of ``block`` values, as many runs as ``sums`` holds."""
    for b in range(sums.size):
        total = line[b * block]
        for j in range(1, block):
            total = total + line[b * block + j]
        sums[b] = total


@inline
def _spread(sums: Sums, share: float, block: int, row: Float32) -> None:
    """Write ``share`` times each sum to its ``block`` places."""
    for b in range(sums.size):
        mean = np.float32(sums[b] * share)
        for j in range(block):
            row[b * block + j] = mean


@inline
def _whole_blocks(line: Sums, share: float, block: int, sums: Sums, row: Float32) -> None:
    """Set ``row`` to the means of whole blocks; a constant width is what makes it vector code."""
    if block == 2:
        _block_sums(line, 2, sums)
        _spread(sums, share, 2, row)
    elif block == 3:
        _block_sums(line, 3, sums)
        _spread(sums, share, 3, row)
    elif block == 4:
        _block_sums(line, 4, sums)
        _spread(sums, share, 4, row)
    elif block == 8:
        _block_sums(line, 8, sums)
        _spread(sums, share, 8, row)
    else:
        _block_sums(line, block, sums)
        _spread(sums, share, block, row)


@inline
def _pixelate_plane(plane: Float32, block: int, line: Sums, sums: Sums, out: Float32) -> None:
    height, width = plane.shape
    whole = width // block
    rest = width - whole * block
    row = np.empty(width, np.float32)
    for top in range(0, height, block):
        bottom = min(top + block, height)
        first = plane[top]
        for x in range(width):
            line[x] = first[x]
        for y in range(top + 1, bottom):
            source = plane[y]
            for x in range(width):
                line[x] = line[x] + source[x]
        _whole_blocks(line, 1.0 / (block * (bottom - top)), block, sums, row)
        if rest:
            last = line[whole * block]
            for x in range(whole * block + 1, width):
                last = last + line[x]
            row[whole * block :] = np.float32(last * (1.0 / (rest * (bottom - top))))
        for y in range(top, bottom):
            target = out[y]
            for x in range(width):
                target[x] = row[x]


@kernel
def pixelate_kernel(planes: Float32, block: int, result: Float32 | None = None) -> Float32:
    """Return the planes with each ``block`` × ``block`` square set to its mean.

    Blocks start at the top left; those cut by the right or lower border take the mean of what
    is there. float32 (C, H, W) in and out; sums are float32 up to blocks of 64, which hold
    those of 8-bit levels exactly, and float64 beyond.
    """
    out = np.empty_like(planes) if result is None else result
    width = planes.shape[2]
    if block <= 64:
        line, sums = np.empty(width, np.float32), np.empty(width // block, np.float32)
        for c in range(planes.shape[0]):
            _pixelate_plane(planes[c], block, line, sums, out[c])
    else:
        long_line, long_sums = np.empty(width, np.float64), np.empty(width // block, np.float64)
        for c in range(planes.shape[0]):
            _pixelate_plane(planes[c], block, long_line, long_sums, out[c])
    return out
