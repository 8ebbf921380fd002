"""Point-spread functions: Gaussian, motion line, defocus disk. Float64, sum 1, centred.

Angles are degrees counter-clockwise as seen, from the horizontal: 0 is along a row, 90 along
a column, and direction (cos, −sin) in (column, row) coordinates, rows counted downwards.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from degrade import portable_math
from degrade.kernels.compile import inline, kernel

__all__ = ["disk", "gaussian_1d", "gaussian_2d", "gaussian_radius", "low_rank", "motion_line"]

_exp = inline(portable_math.exp)


def gaussian_radius(sigma: float) -> int:
    """Return the kernel radius in pixels that keeps a Gaussian's moments: ceil(3.5 sigma).

    Beyond 3.5 sigma lies 5e-4 of the mass. From sigma 0.7 on the kernel's own sigma is within
    0.4 % of it; below, sampling at whole pixels narrows the kernel, as it does OpenCV's (0.46
    for 0.5).
    """
    return max(1, math.ceil(3.5 * sigma))


@kernel
def gaussian_1d(sigma: float, radius: int) -> NDArray[np.float64]:
    """Return ``2 * radius + 1`` taps of exp(−x² / 2σ²), normalised."""
    taps = np.empty(2 * radius + 1, np.float64)
    total = 0.0
    for i in range(taps.size):
        x = float(i - radius)
        taps[i] = _exp(max(-(x * x) / (2.0 * sigma * sigma), -700.0))
        total += taps[i]
    return taps / total


@kernel
def gaussian_2d(
    sigma_x: float, sigma_y: float, cosine: float, sine: float, radius: int
) -> NDArray[np.float64]:
    """Return a square, normalised, rotated Gaussian; see the module for the angle.

    Parameters
    ----------
    sigma_x, sigma_y
        Standard deviations along the rotated axes, pixels.
    cosine, sine
        Of the angle from the horizontal to the ``sigma_x`` axis.
    radius
        Taps reach from −radius to radius in both directions.
    """
    size = 2 * radius + 1
    taps = np.empty((size, size), np.float64)
    total = 0.0
    for i in range(size):
        for j in range(size):
            x, y = float(j - radius), float(i - radius)
            along = (x * cosine - y * sine) / sigma_x
            across = (x * sine + y * cosine) / sigma_y
            taps[i, j] = _exp(max(-(along * along + across * across) / 2.0, -700.0))
            total += taps[i, j]
    return taps / total


@kernel
def motion_line(length: float, cosine: float, sine: float) -> NDArray[np.float64]:
    """Return the blur of a straight, even, centred motion: a segment spread bilinearly.

    Second moment along the motion: length² / 12 plus the spread's, 1/6 on the average for each
    axis that the line crosses (none across a motion along a row or a column).
    """
    radius = math.ceil(length / 2.0) + 1
    taps = np.zeros((2 * radius + 1, 2 * radius + 1), np.float64)
    points = 16 * math.ceil(length)
    for i in range(points):
        place = ((i + 0.5) / points - 0.5) * length
        x, y = place * cosine + radius, -place * sine + radius
        left, top = math.floor(x), math.floor(y)
        right, below = x - left, y - top
        taps[top, left] += (1.0 - right) * (1.0 - below)
        taps[top, left + 1] += right * (1.0 - below)
        taps[top + 1, left] += (1.0 - right) * below
        taps[top + 1, left + 1] += right * below
    return taps / points


@kernel
def disk(radius: float) -> NDArray[np.float64]:
    """Return a disk by area coverage: the share of each pixel inside the circle, normalised.

    Coverage is exact along rows and the mean of 64 lines in each pixel across them.
    """
    reach = math.ceil(radius + 0.5) - 1 if radius > 0.5 else 0
    reach = max(reach, 0)
    size = 2 * reach + 1
    taps = np.zeros((size, size), np.float64)
    lines = 64
    for i in range(size):
        for line in range(lines):
            y = (i - reach) - 0.5 + (line + 0.5) / lines
            square = radius * radius - y * y
            if square <= 0.0:
                continue
            half = math.sqrt(square)
            for j in range(size):
                left = max(float(j - reach) - 0.5, -half)
                right = min(float(j - reach) + 0.5, half)
                if right > left:
                    taps[i, j] += right - left
    total = 0.0
    for i in range(size):
        for j in range(size):
            total += taps[i, j]
    return taps / total


@kernel
def low_rank(
    taps: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``columns, rows`` with ``taps ≈ Σ outer(columns[k], rows[k])``.

    Adaptive cross approximation with full pivoting (M. Bebendorf, "Approximation of boundary
    element matrices", Numer. Math. 86, 2000): subtract the cross through the largest entry
    until the absolute sum of what remains is below ``tolerance``.
    """
    height, width = taps.shape
    rest = taps.copy()
    most = min(height, width)
    columns = np.zeros((most, height), np.float64)
    rows = np.zeros((most, width), np.float64)
    rank = 0
    while rank < most:
        top = left = 0
        remaining = 0.0
        for i in range(height):
            for j in range(width):
                remaining += abs(rest[i, j])
                if abs(rest[i, j]) > abs(rest[top, left]):
                    top, left = i, j
        if remaining <= tolerance:
            break
        pivot = rest[top, left]
        for i in range(height):
            columns[rank, i] = rest[i, left]
        for j in range(width):
            rows[rank, j] = rest[top, j] / pivot
        for i in range(height):
            for j in range(width):
                rest[i, j] -= columns[rank, i] * rows[rank, j]
        rank += 1
    return columns[:rank].copy(), rows[:rank].copy()
