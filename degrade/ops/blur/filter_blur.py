"""Blur by BasicSR's kernels and by windows: generalised, plateau, sinc, median, average.

Planes in and out; borders are mirrored (the median's repeat); nothing moves.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.ops.blur import filter_kernels as filters
from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.correlate import correlate_separable, correlate_taps, correlate_terms
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import from_planes, to_planes
from degrade.portable_math import cos_degrees, sin_degrees

__all__ = [
    "average_blur",
    "correlate_kernel",
    "generalised_gaussian_blur",
    "median_blur",
    "plateau_blur",
    "sinc_blur",
]

Planes = NDArray[np.float32]
Taps = NDArray[np.float64]

_SHARP = 0.05
"""Kernels narrower than this many pixels are drawn with this width: one tap."""
_TOLERANCE = 1e-3
"""Absolute sum of what a kernel's approximation may leave out: 0.26 levels at most."""
_SMALL = 1e-6
"""Taps smaller than this share of the largest are left out of tap lists."""


def generalised_gaussian_blur(
    planes: Planes,
    stream: object,
    *,
    sigma_x: float,
    sigma_y: float,
    angle: float,
    beta: float,
    kernel_size: int,
) -> Planes:
    """Return the planes blurred by exp(−½ d**beta), d the squared distance in sigmas.

    Parameters
    ----------
    sigma_x, sigma_y
        Widths along the turned axes, pixels.
    angle
        Degrees counter-clockwise from the horizontal to the ``sigma_x`` axis.
    beta
        Shape: 1 is the Gaussian, smaller has a sharper peak and longer tails.
    kernel_size
        Width that the kernel is cut to, pixels; an even one is taken one larger.
    """
    turned = cos_degrees(angle), sin_degrees(angle)
    widths = max(float(sigma_x), _SHARP), max(float(sigma_y), _SHARP)
    taps = filters.generalised_gaussian(*widths, *turned, float(beta), kernel_size // 2)
    return correlate_kernel(planes, taps)


def plateau_blur(
    planes: Planes,
    stream: object,
    *,
    sigma_x: float,
    sigma_y: float,
    angle: float,
    beta: float,
    kernel_size: int,
) -> Planes:
    """Return the planes blurred by 1 / (1 + d**beta); parameters as the generalised Gaussian."""
    turned = cos_degrees(angle), sin_degrees(angle)
    widths = max(float(sigma_x), _SHARP), max(float(sigma_y), _SHARP)
    taps = filters.plateau(*widths, *turned, float(beta), kernel_size // 2)
    return correlate_kernel(planes, taps)


def sinc_blur(planes: Planes, stream: object, *, cutoff: float, kernel_size: int) -> Planes:
    """Return the planes through an ideal low-pass of a round band, with its rings.

    Parameters
    ----------
    cutoff
        Edge of the band, radians a pixel; π is the highest frequency of a row.
    kernel_size
        Width that the kernel is cut to, pixels; an even one is taken one larger.

    Notes
    -----
    Levels are clipped to 0-255: the rings overshoot.
    """
    done = correlate_kernel(planes, filters.sinc(float(cutoff), kernel_size // 2))
    return np.clip(done, 0.0, 255.0, out=done)


def median_blur(planes: Planes, stream: object, *, size: int) -> Planes:
    """Return the median of each ``size`` × ``size`` window; levels are rounded to 8 bits first.

    An even size is taken one larger, as imgaug does. OpenCV's medianBlur: whole numbers are
    compared and copied, so any machine gives the same bytes. Borders repeat.
    """
    image: NDArray[np.uint8] = np.asarray(cv2.medianBlur(from_planes(planes), size | 1), np.uint8)
    return to_planes(image, PLANES.take(planes.shape))


def average_blur(planes: Planes, stream: object, *, size: int) -> Planes:
    """Return the mean of a ``size`` × ``size`` window around each pixel.

    A window of an even size ends in half pixels, so that it stays centred (OpenCV's moves the
    picture by half a pixel).
    """
    taps = np.full(size + 1 - size % 2, 1.0 / size)
    if size % 2 == 0:
        taps[0] = taps[-1] = 0.5 / size
    side = taps.astype(np.float32)
    return correlate_separable(planes, side, side, PLANES.take(planes.shape))


def correlate_kernel(planes: Planes, taps: Taps) -> Planes:
    """Return the planes correlated with a centred kernel, by whichever of two ways is cheaper.

    Unlike the plain blurs' kernels this one may have negative taps and a sum that is not 1,
    which is kept.
    """
    small = _SMALL * float(np.abs(taps).max())
    rows, columns = np.nonzero(np.abs(taps) > small)
    down, across = shapes.low_rank(taps, _TOLERANCE)
    result = PLANES.take(planes.shape)
    if len(down) * sum(taps.shape) < len(rows):
        # What the tolerance left out must not darken the picture.
        kept = math.fsum(
            math.fsum(column) * math.fsum(row) for column, row in zip(down, across, strict=True)
        )
        down *= math.fsum(taps.reshape(-1)) / kept
        return correlate_terms(planes, down.astype(np.float32), across.astype(np.float32), result)
    weights = taps[rows, columns]
    weights *= math.fsum(taps.reshape(-1)) / math.fsum(weights)
    centre_row, centre_column = taps.shape[0] // 2, taps.shape[1] // 2
    return correlate_taps(
        planes, rows - centre_row, columns - centre_column, weights.astype(np.float32), result
    )
