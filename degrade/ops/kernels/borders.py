"""Pictures in a frame of their own edge pixels, for filters whose borders repeat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import kernel

__all__ = ["framed", "unframed"]


@kernel
def framed(
    planes: NDArray[np.float32], reach: int, result: NDArray[np.float32]
) -> NDArray[np.float32]:
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
def unframed(
    planes: NDArray[np.float32], reach: int, result: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Write what lies inside a frame of ``reach`` pixels into ``result``."""
    for c in range(result.shape[0]):
        for y in range(result.shape[1]):
            result[c, y] = planes[c, y + reach, reach : reach + result.shape[2]]
    return result
