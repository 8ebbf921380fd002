"""Blur: Gaussian, motion, defocus. Planes in and out; borders are mirrored; nothing moves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from degrade.kernels import shapes
from degrade.kernels.correlate import correlate_separable, correlate_taps
from degrade.portable_math import cos_degrees, sin_degrees

__all__ = ["defocus_blur", "gaussian_blur", "gaussian_taps", "motion_blur"]

Planes = NDArray[np.float32]
Taps = NDArray[np.float64]

_SHARP = 0.05
"""Gaussians narrower than this many pixels are the identity to within 1e-80."""
_TOLERANCE = 1e-3
"""Absolute sum of what a kernel's approximation may leave out: 0.26 levels at most."""
_SMALL = 1e-6
"""Taps below this share of the largest are left out of tap lists."""


def gaussian_taps(sigma_x: float, sigma_y: float, angle: float, kernel_size: int) -> Taps:
    """Return the square kernel of a Gaussian blur; ``kernel_size`` 0 is as wide as needed."""
    radius = _radius(max(sigma_x, sigma_y), kernel_size)
    return shapes.gaussian_2d(
        max(float(sigma_x), _SHARP),
        max(float(sigma_y), _SHARP),
        cos_degrees(angle),
        sin_degrees(angle),
        radius,
    )


def _radius(sigma: float, kernel_size: int) -> int:
    return kernel_size // 2 if kernel_size else shapes.gaussian_radius(sigma)


def gaussian_blur(
    planes: Planes,
    stream: object,
    *,
    sigma_x: float,
    sigma_y: float,
    angle: float,
    kernel_size: int,
) -> Planes:
    """Return the planes blurred by a Gaussian.

    Parameters
    ----------
    sigma_x, sigma_y
        Standard deviations along the turned axes, pixels.
    angle
        Degrees counter-clockwise from the horizontal to the ``sigma_x`` axis.
    kernel_size
        Odd width that the kernel is cut to, as published recipes do; 0 keeps 3.5 sigma.
    """
    if max(sigma_x, sigma_y) < _SHARP:
        return planes
    if angle % 180.0 == 90.0:
        sigma_x, sigma_y, angle = sigma_y, sigma_x, 0.0
    if sigma_x == sigma_y or angle % 180.0 == 0.0:
        rows, columns = (
            shapes.gaussian_1d(max(float(sigma), _SHARP), _radius(sigma, kernel_size)).astype(
                np.float32
            )
            for sigma in (sigma_y, sigma_x)
        )
        return correlate_separable(planes, rows, columns)
    return _correlate(planes, gaussian_taps(sigma_x, sigma_y, angle, kernel_size))


def motion_blur(planes: Planes, stream: object, *, length: float, angle: float) -> Planes:
    """Return the planes blurred along a centred line of ``length`` pixels at ``angle`` degrees."""
    if length <= 0:
        return planes
    taps = shapes.motion_line(float(length), cos_degrees(angle), sin_degrees(angle))
    return _correlate_list(planes, taps)


def defocus_blur(planes: Planes, stream: object, *, radius: float) -> Planes:
    """Return the planes blurred by a disk of ``radius`` pixels, edges by area coverage."""
    return _correlate_list(planes, shapes.disk(float(radius))) if radius > 0.5 else planes


def _correlate(planes: Planes, taps: Taps) -> Planes:
    """Correlate with a dense kernel by whichever is cheaper: separable terms or its taps."""
    columns, rows = shapes.low_rank(taps, _TOLERANCE)
    listed = int((taps > _SMALL * taps.max()).sum())
    if len(columns) * sum(taps.shape) >= listed:
        return _correlate_list(planes, taps)
    # What the tolerance left out must not darken the picture.
    columns /= math.fsum(
        math.fsum(column) * math.fsum(row) for column, row in zip(columns, rows, strict=True)
    )
    total = None
    for column, row in zip(columns.astype(np.float32), rows.astype(np.float32), strict=True):
        term = correlate_separable(planes, column, row)
        total = term if total is None else np.add(total, term, out=total)
    assert total is not None
    return total


def _correlate_list(planes: Planes, taps: Taps) -> Planes:
    centre_row, centre_column = taps.shape[0] // 2, taps.shape[1] // 2
    rows, columns = np.nonzero(taps > _SMALL * taps.max())
    kept = taps[rows, columns]
    weights = (kept / math.fsum(kept)).astype(np.float32)
    return correlate_taps(planes, rows - centre_row, columns - centre_column, weights)
