"""Blur by BasicSR's kernels and by windows: generalised, plateau, sinc, median, average.

Borders are mirrored (the median's repeat); nothing moves. Point-spread functions are float64, odd
sizes, centred, sum 1 unless said otherwise; directions as in `degrade.ops.blur.point_spread`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from degrade import portable_math
from degrade import portable_math as portable_bessel
from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.correlate import correlate_separable, correlate_taps, correlate_terms
from degrade.ops.kernels.arrays import Float64, Planes, UInt8
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import from_planes, to_planes
from degrade.portable_math import cos_degrees, sin_degrees

Taps = Float64

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
    taps = generalised_gaussian(*widths, *turned, float(beta), kernel_size // 2)
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
    taps = plateau(*widths, *turned, float(beta), kernel_size // 2)
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
    result = correlate_kernel(planes, sinc(float(cutoff), kernel_size // 2))
    return np.clip(result, 0.0, 255.0, out=result)


def median_blur(planes: Planes, stream: object, *, size: int) -> Planes:
    """Return the median of each ``size`` × ``size`` window; levels are rounded to 8 bits first.

    An even size is taken one larger, as imgaug does. OpenCV's medianBlur: whole numbers are
    compared and copied, so any machine gives the same bytes. Borders repeat.
    """
    image: UInt8 = np.asarray(cv2.medianBlur(from_planes(planes), size | 1), np.uint8)
    return to_planes(image, PLANES.take(planes.shape))


def average_blur(planes: Planes, stream: object, *, size: int) -> Planes:
    """Return the mean of a ``size`` × ``size`` window around each pixel.

    A window of an even size ends in half pixels, so that it stays centred (OpenCV's moves the
    image by half a pixel).
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
        # What the tolerance left out must not darken the image.
        kept_sum = math.fsum(
            math.fsum(column) * math.fsum(row) for column, row in zip(down, across, strict=True)
        )
        down *= math.fsum(taps.reshape(-1)) / kept_sum
        return correlate_terms(planes, down.astype(np.float32), across.astype(np.float32), result)
    weights = taps[rows, columns]
    weights *= math.fsum(taps.reshape(-1)) / math.fsum(weights)
    centre_row, centre_column = taps.shape[0] // 2, taps.shape[1] // 2
    return correlate_taps(
        planes, rows - centre_row, columns - centre_column, weights.astype(np.float32), result
    )


GRID = 8
"""Reach of ImageNet-C's grid for a disk of up to this radius, pixels."""

_exp = inline(portable_math.exp)
_log = inline(portable_math.log)
_j1 = inline(portable_bessel.j1)


@inline
def _powered_distance(
    i: int,
    j: int,
    radius: int,
    sigma_x: float,
    sigma_y: float,
    cosine: float,
    sine: float,
    beta: float,
) -> float:
    """Return (u² / σx² + v² / σy²) ** β at row i, column j; u, v along the turned axes."""
    x, y = float(j - radius), float(i - radius)
    along = (x * cosine - y * sine) / sigma_x
    across = (x * sine + y * cosine) / sigma_y
    square = along * along + across * across
    if square <= 0.0:
        return 0.0
    return float(_exp(min(max(beta * _log(square), -690.0), 690.0)))


@inline
def _normalise(taps: Float64) -> None:
    total = 0.0
    for i in range(taps.shape[0]):
        for j in range(taps.shape[1]):
            total += taps[i, j]
    for i in range(taps.shape[0]):
        for j in range(taps.shape[1]):
            taps[i, j] /= total


@kernel
def generalised_gaussian(
    sigma_x: float, sigma_y: float, cosine: float, sine: float, beta: float, radius: int
) -> Float64:
    """Return exp(−½ d**β), d the squared distance in sigmas: beta 1 is the Gaussian.

    BasicSR, basicsr/data/degradations.py, bivariate_generalized_Gaussian (after F. Pascal et
    al., "Parameter estimation for multivariate generalized Gaussian distributions", IEEE TSP
    61, 2013). Parameters as `degrade.ops.blur.point_spread.gaussian_2d`.
    """
    size = 2 * radius + 1
    taps = np.empty((size, size), np.float64)
    for i in range(size):
        for j in range(size):
            d = _powered_distance(i, j, radius, sigma_x, sigma_y, cosine, sine, beta)
            taps[i, j] = _exp(max(-0.5 * d, -690.0))
    _normalise(taps)
    return taps


@kernel
def plateau(
    sigma_x: float, sigma_y: float, cosine: float, sine: float, beta: float, radius: int
) -> Float64:
    """Return 1 / (1 + d**β), d the squared distance in sigmas: flat inside, for large beta a disk.

    BasicSR, basicsr/data/degradations.py, bivariate_plateau. Parameters as
    `degrade.ops.blur.point_spread.gaussian_2d`.
    """
    size = 2 * radius + 1
    taps = np.empty((size, size), np.float64)
    for i in range(size):
        for j in range(size):
            d = _powered_distance(i, j, radius, sigma_x, sigma_y, cosine, sine, beta)
            taps[i, j] = 1.0 / (1.0 + d)
    _normalise(taps)
    return taps


@kernel
def sinc(cutoff: float, radius: int) -> Float64:
    """Return the ideal low-pass of a round pass band, ω J1(ωr) / 2πr, cut to a square.

    BasicSR, basicsr/data/degradations.py, circular_lowpass_kernel. Some taps are negative.

    Parameters
    ----------
    cutoff
        Radius of the pass band, radians a pixel; π is the highest frequency of a row.
    radius
        Taps reach from −radius to radius in both directions.
    """
    size = 2 * radius + 1
    taps = np.empty((size, size), np.float64)
    turn = 6.283185307179586
    # One octant; the others mirror it.
    for i in range(radius + 1):
        for j in range(i + 1):
            if i == 0:
                value = cutoff * cutoff / (2.0 * turn)
            else:
                distance = math.sqrt(float(i * i + j * j))
                value = cutoff * _j1(cutoff * distance) / (turn * distance)
            for a, b in ((i, j), (j, i)):
                taps[radius + a, radius + b] = taps[radius + a, radius - b] = value
                taps[radius - a, radius + b] = taps[radius - a, radius - b] = value
    _normalise(taps)
    return taps


@kernel
def aliased_disk(radius: float, alias: float) -> Float64:
    """Return ImageNet-C's defocus: a disk of whole pixels, blurred by a Gaussian of ``alias``.

    hendrycks/robustness, make_imagenet_c.py, ``disk``: a grid of ±8 and 3 taps up to radius 8,
    of ±radius and 5 taps beyond, borders mirrored; where the disk touches the edge of its grid
    the sum comes out a little off 1, as there.
    """
    wide = radius > GRID
    reach = math.ceil(radius) if wide else GRID
    size = 2 * reach + 1
    disk = np.zeros((size, size), np.float64)
    for i in range(size):
        for j in range(size):
            x, y = float(j - reach), float(i - reach)
            if x * x + y * y <= radius * radius:
                disk[i, j] = 1.0
    _normalise(disk)
    weights = _gaussian_weights(alias, 2 if wide else 1)
    # The disk and the Gaussian are symmetric: rows, then columns by the same pass.
    return _smoothed_rows(_smoothed_rows(disk, weights).T.copy(), weights)


@inline
def _gaussian_weights(sigma: float, radius: int) -> Float64:
    weights = np.empty(2 * radius + 1, np.float64)
    total = 0.0
    for t in range(weights.size):
        x = float(t - radius)
        weights[t] = _exp(max(-(x * x) / (2.0 * sigma * sigma), -690.0))
        total += weights[t]
    return weights / total


@inline
def _smoothed_rows(taps: Float64, weights: Float64) -> Float64:
    """Return every row of a square correlated with ``weights``, its ends mirrored."""
    size, radius = taps.shape[0], weights.size // 2
    last = size - 1
    result = np.zeros_like(taps)
    for i in range(size):
        for j in range(size):
            for t in range(weights.size):
                mirrored = last - abs(last - abs(j + t - radius))
                result[i, j] += weights[t] * taps[i, mirrored]
    return result
