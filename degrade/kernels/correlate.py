"""Correlation of planes with separable kernels and with lists of taps; borders are mirrored.

Sums are taken in the order of the taps, so the vector width of a machine changes no bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.kernels.compile import inline, kernel
from degrade.kernels.planes import reflected

__all__ = ["correlate_separable", "correlate_taps"]


@inline
def _accumulate(
    total: NDArray[np.float32],
    source: NDArray[np.float32],
    starts: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> None:
    """Set ``total[x] = Σ weights[t] * source[starts[t] + x]``, four taps at a time."""
    width = total.size
    taps = weights.size
    total[:] = np.float32(0.0)
    t = 0
    while t + 4 <= taps:
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        a = source[starts[t] : starts[t] + width]
        b = source[starts[t + 1] : starts[t + 1] + width]
        c = source[starts[t + 2] : starts[t + 2] + width]
        d = source[starts[t + 3] : starts[t + 3] + width]
        for x in range(width):
            total[x] = (((total[x] + w0 * a[x]) + w1 * b[x]) + w2 * c[x]) + w3 * d[x]
        t += 4
    while t < taps:
        w0 = weights[t]
        a = source[starts[t] : starts[t] + width]
        for x in range(width):
            total[x] = total[x] + w0 * a[x]
        t += 1


@inline
def _padded_row(row: NDArray[np.float32], radius: int, padded: NDArray[np.float32]) -> None:
    width = row.size
    padded[radius : radius + width] = row
    for i in range(radius):
        padded[i] = row[reflected(i - radius, width)]
        padded[radius + width + i] = row[reflected(width + i, width)]


@kernel
def correlate_separable(
    planes: NDArray[np.float32], vertical: NDArray[np.float32], horizontal: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the planes correlated with ``outer(vertical, horizontal)``.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    vertical, horizontal
        float32, odd lengths, centred.
    """
    channels, height, width = planes.shape
    result = np.empty_like(planes)
    down, across = vertical.size // 2, horizontal.size // 2
    starts = np.empty(vertical.size, np.int64)
    shifts = np.arange(horizontal.size).astype(np.int64)
    column = np.empty(width, np.float32)
    padded = np.empty(width + 2 * across, np.float32)
    for c in range(channels):
        flat = planes[c].reshape(-1)
        for y in range(height):
            for t in range(vertical.size):
                starts[t] = reflected(y + t - down, height) * width
            _accumulate(column, flat, starts, vertical)
            _padded_row(column, across, padded)
            _accumulate(result[c, y], padded, shifts, horizontal)
    return result


@kernel
def correlate_taps(
    planes: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return ``Σ weights[t] * planes[y + rows[t], x + columns[t]]``, borders mirrored.

    Parameters
    ----------
    planes
        float32 (C, H, W).
    rows, columns
        int64, offset of each tap from the centre.
    weights
        float32, one for each tap.
    """
    channels, height, width = planes.shape
    result = np.empty_like(planes)
    radius = 0
    for t in range(weights.size):
        radius = max(radius, abs(columns[t]))
    stride = width + 2 * radius
    padded = np.empty((height, stride), np.float32)
    flat = padded.reshape(-1)
    starts = np.empty(weights.size, np.int64)
    for c in range(channels):
        for y in range(height):
            _padded_row(planes[c, y], radius, padded[y])
        for y in range(height):
            for t in range(weights.size):
                starts[t] = reflected(y + rows[t], height) * stride + radius + columns[t]
            _accumulate(result[c, y], flat, starts, weights)
    return result
