"""Point-spread functions: Gaussian, motion line, defocus disk. Float64, sum 1, centred.

Angles are degrees counter-clockwise as seen, from the horizontal: 0 is along a row, 90 along
a column, and direction (cos, −sin) in (column, row) coordinates, rows counted downwards.
"""

from __future__ import annotations

import math

import numpy as np

from degrade import portable_math
from degrade.ops.kernels.arrays import Float64
from degrade.ops.kernels.compile import inline, kernel

_exp = inline(portable_math.exp)

RUNS_FROM = 7.0
"""Pixels: disks of at least this radius are made of runs."""


def gaussian_radius(sigma: float) -> int:
    """Return the kernel radius in pixels that keeps a Gaussian's moments: ceil(3.5 sigma).

    Beyond 3.5 sigma lies 5e-4 of the mass. From sigma 0.7 on the kernel's own sigma is within
    0.4 % of it; below, sampling at whole pixels narrows the kernel, as it does OpenCV's (0.46
    for 0.5).
    """
    return max(1, math.ceil(3.5 * sigma))


@kernel
def gaussian_1d(sigma: float, radius: int) -> Float64:
    """Return ``2 * radius + 1`` taps of exp(−x² / 2σ²), normalised."""
    taps = np.empty(2 * radius + 1, np.float64)
    total = 0.0
    for i in range(taps.size):
        x = float(i - radius)
        taps[i] = _exp(max(-(x * x) / (2.0 * sigma * sigma), -700.0))
        total += taps[i]
    return taps / total


@kernel
def gaussian_2d(sigma_x: float, sigma_y: float, cosine: float, sine: float, radius: int) -> Float64:
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
def motion_line(length: float, cosine: float, sine: float) -> Float64:
    """Return the blur of a straight, even, centred motion, float64 (odd, odd), sum 1.

    One step for each pixel column (row, for steep lines) that the segment crosses, as heavy as
    the part of the segment in it, split between the two pixels that the line runs between.
    First moment 0; second moment along the longer axis (length * cosine)² / 12 + 1 / 12 or
    less, by how the segment's ends fall.
    """
    flat = abs(cosine) >= abs(sine)
    major, minor = (cosine, -sine) if flat else (-sine, cosine)
    half = length * abs(major) / 2.0
    slope = minor / major
    reach = math.ceil(half + 0.5) if half > 0.5 else 1
    taps = np.zeros((2 * reach + 1, 2 * reach + 1), np.float64)
    for i in range(-reach, reach + 1):
        begin, end = max(i - 0.5, -half), min(i + 0.5, half)
        if end <= begin:
            continue
        weight = (end - begin) / (2.0 * half)
        crossing = slope * (begin + end) / 2.0
        low = math.floor(crossing)
        part = crossing - low
        for offset, share in ((low, 1.0 - part), (low + 1, part)):
            if share > 0.0:
                row, column = (offset, i) if flat else (i, offset)
                taps[reach + row, reach + column] += weight * share
    return taps


@kernel
def disk_chords(radius: float) -> Float64:
    """Return half the mean chord of a disk over each pixel row it touches, float64 (odd).

    The mean of 64 lines across the row; the middle entry is the row of the centre.
    """
    reach = max(math.ceil(radius + 0.5) - 1, 0)
    halves = np.zeros(2 * reach + 1, np.float64)
    lines = 64
    for i in range(halves.size):
        for line in range(lines):
            y = (i - reach) - 0.5 + (line + 0.5) / lines
            square = radius * radius - y * y
            if square > 0.0:
                halves[i] += math.sqrt(square) / lines
    return halves


@kernel
def disk(radius: float) -> Float64:
    """Return an antialiased disk, float64 (odd, odd), sum 1.

    Below `RUNS_FROM` every tap is the share of its pixel inside the circle, exact along rows
    and the mean of 64 lines across them. From there on each row is a run as long as its mean
    chord, whose ends cover their pixels in part: within 3.1 % of the former in absolute sum,
    and the cost of a blur no longer grows with the area.
    """
    halves = disk_chords(radius)
    reach, lines = halves.size // 2, 64
    taps = np.zeros((halves.size, halves.size), np.float64)
    for i in range(halves.size):
        for line in range(lines):
            half = halves[i]
            if radius < RUNS_FROM:
                y = (i - reach) - 0.5 + (line + 0.5) / lines
                half = math.sqrt(max(radius * radius - y * y, 0.0))
            for j in range(halves.size):
                left, right = max(j - reach - 0.5, -half), min(j - reach + 0.5, half)
                taps[i, j] += max(0.0, right - left)
    total = 0.0
    for i in range(halves.size):
        for j in range(halves.size):
            total += taps[i, j]
    return taps / total


@kernel
def low_rank(taps: Float64, tolerance: float, limit: int = 1_000_000) -> tuple[Float64, Float64]:
    """Return ``columns, rows`` with ``taps ≈ Σ outer(columns[k], rows[k])``.

    Adaptive cross approximation with full pivoting (M. Bebendorf, "Approximation of boundary
    element matrices", Numer. Math. 86, 2000): subtract the cross through the largest entry
    until the absolute sum of what remains is below ``tolerance``, or there are ``limit`` terms.
    """
    height, width = taps.shape
    rest = taps.copy()
    most = min(height, width, limit)
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
