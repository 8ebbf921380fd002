"""Pixelation: every block takes its mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel

__all__ = ["pixelate"]


@inline
def _block_sums(line: NDArray[np.float64], block: int, sums: NDArray[np.float64]) -> None:
    """Add up each run of ``block`` values, as many runs as ``sums`` holds."""
    for b in range(sums.size):
        total = line[b * block]
        for j in range(1, block):
            total = total + line[b * block + j]
        sums[b] = total


@inline
def _spread(sums: NDArray[np.float64], share: float, block: int, row: NDArray[np.float32]) -> None:
    """Write ``share`` times each sum to its ``block`` places."""
    for b in range(sums.size):
        mean = np.float32(sums[b] * share)
        for j in range(block):
            row[b * block + j] = mean


@inline
def _whole_blocks(
    line: NDArray[np.float64],
    share: float,
    block: int,
    sums: NDArray[np.float64],
    row: NDArray[np.float32],
) -> None:
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


@kernel
def pixelate(
    planes: NDArray[np.float32], block: int, result: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the planes with each ``block`` × ``block`` square set to its mean.

    Blocks start at the top left; those cut by the right or lower border take the mean of what
    is there. float32 (C, H, W) in and out; sums are float64.
    """
    out = np.empty_like(planes) if result is None else result
    channels, height, width = planes.shape
    whole = width // block
    rest = width - whole * block
    line = np.empty(width, np.float64)
    row = np.empty(width, np.float32)
    sums = np.empty(whole, np.float64)
    for c in range(channels):
        for top in range(0, height, block):
            bottom = min(top + block, height)
            first = planes[c, top]
            for x in range(width):
                line[x] = np.float64(first[x])
            for y in range(top + 1, bottom):
                source = planes[c, y]
                for x in range(width):
                    line[x] = line[x] + np.float64(source[x])
            _whole_blocks(line, 1.0 / (block * (bottom - top)), block, sums, row)
            if rest:
                last = line[whole * block]
                for x in range(whole * block + 1, width):
                    last = last + line[x]
                row[whole * block :] = np.float32(last * (1.0 / (rest * (bottom - top))))
            for y in range(top, bottom):
                target = out[c, y]
                for x in range(width):
                    target[x] = row[x]
    return out
