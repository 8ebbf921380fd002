"""Pixelation: every block takes its mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import kernel

__all__ = ["pixelate"]


@kernel
def pixelate(planes: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Return the planes with each ``block`` × ``block`` square set to its mean.

    Blocks start at the top left; those cut by the right or lower border take the mean of what
    is there. float32 (C, H, W) in and out.
    """
    channels, height, width = planes.shape
    result = np.empty_like(planes)
    across = (width + block - 1) // block
    # In float32 a block of 256 pixels or more would lose the last bits of its sum.
    sums = np.empty(across, np.float64)
    for c in range(channels):
        for top in range(0, height, block):
            bottom = min(top + block, height)
            sums[:] = 0.0
            for y in range(top, bottom):
                for b in range(across):
                    for x in range(b * block, min((b + 1) * block, width)):
                        sums[b] += planes[c, y, x]
            for b in range(across):
                wide = min((b + 1) * block, width) - b * block
                sums[b] = sums[b] / (wide * (bottom - top))
            for y in range(top, bottom):
                for b in range(across):
                    for x in range(b * block, min((b + 1) * block, width)):
                        result[c, y, x] = np.float32(sums[b])
    return result
