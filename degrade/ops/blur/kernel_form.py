"""The cheapest way to correlate with a kernel: separable terms, slanted passes, or its taps.

Every form gives the kernel to within `TOLERANCE`; which one is used depends on the kernel alone.

Slanted passes are a turned Gaussian as two one-dimensional ones: along an axis, then along a
slanted line (J.-M. Geusebroek, A. Smeulders, J. van de Weijer, "Fast anisotropic Gauss filtering",
IEEE TIP 12, 2003). With covariance [[a, c], [c, b]] the kernel is a Gaussian of variance a − c² / b
along the first axis, its centre sliding by c / b for each step along the second, times a Gaussian
of variance b along the second. Where the line runs between pixels it is split between two of them;
the variance that the splitting adds is taken off the first pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.point_spread import gaussian_1d, gaussian_radius
from degrade.ops.kernels.arrays import Float32, Float64, Int64
from degrade.ops.kernels.compile import kernel
from degrade.portable_math import cos_degrees, sin_degrees

_NARROWEST = 1.6
"""Pixels; with a narrower first pass the splitting between pixels would show."""


@dataclass(frozen=True, slots=True)
class SlantedLine:
    """The two passes."""

    first: Float64  # taps along the first axis, float64, odd, sum 1
    along: Int64  # int64: offset of each tap of the second pass along the second and the first axis
    across: Int64
    weights: Float64  # float64, one for each tap, sum 1

    def cost(self) -> int:
        """Return the multiplications a pixel."""
        return len(self.first) + len(self.weights)


def slanted_passes(
    variance: float, other_variance: float, covariance: float, limit: int
) -> SlantedLine | None:
    """Return the passes, or None where they would not give this kernel.

    Parameters
    ----------
    variance, other_variance, covariance
        Of the Gaussian, square pixels; ``variance`` is along the first pass's axis.
    limit
        Radius that the kernel is cut to along either axis; 0 cuts at 3.5 sigma.
    """
    slope = covariance / other_variance
    narrow = variance - covariance * slope
    wide = gaussian_radius(math.sqrt(variance))
    if narrow < _NARROWEST * _NARROWEST or (limit and wide > limit):
        return None
    reach = gaussian_radius(math.sqrt(other_variance))
    reach = min(reach, limit) if limit else reach
    profile = gaussian_1d(math.sqrt(other_variance), reach)
    along, across, weights, added = _split_line(slope, profile)
    sigma = math.sqrt(narrow - added)
    return SlantedLine(gaussian_1d(sigma, gaussian_radius(sigma)), along, across, weights)


@kernel
def _split_line(slope: float, profile: Float64) -> tuple[Int64, Int64, Float64, float]:
    """Split each step of a slanted line between two pixels.

    Returns the taps (steps along, pixels across, weights) and the variance across that the
    splitting adds.
    """
    reach = profile.size // 2
    along = np.empty(2 * profile.size, np.int64)
    across = np.empty(2 * profile.size, np.int64)
    weights = np.empty(2 * profile.size, np.float64)
    count, added = 0, 0.0
    for i in range(profile.size):
        crossing = slope * (i - reach)
        left = math.floor(crossing)
        part = crossing - left
        added += profile[i] * part * (1.0 - part)
        for k in range(2):
            share = part if k == 1 else 1.0 - part
            if share > 0.0:
                along[count], across[count] = i - reach, left + k
                weights[count] = profile[i] * share
                count += 1
    return along[:count].copy(), across[:count].copy(), weights[:count].copy(), added


Taps = Float64

SHARP = 0.05
"""Gaussians narrower than this many pixels are the identity to within 1e-80."""
TOLERANCE = 1e-3
"""Absolute sum of what a kernel's approximation may leave out: 0.26 levels at most."""
_LEFT_OUT = 5e-4
"""Share of a kernel that tap lists may leave out, as a Gaussian loses beyond 3.5 sigma."""
_EQUAL = 1.0 - 1e-9
"""Taps this close count as equal: mirrored taps may differ in their last bits."""
_TWO_PASSES = 16
"""What a second pass costs beside its taps, in taps (measured)."""
_FEWEST_TERMS = 3
"""A turned Gaussian rarely needs fewer separable terms; finding out costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``Σ outer(columns[k], rows[k])``, float32 (terms, odd length)."""

    columns: Float32
    rows: Float32


@dataclass(frozen=True, slots=True)
class Slanted:
    """Two slanted passes; ``upright`` when the first goes down the columns."""

    line: SlantedLine
    upright: bool


@dataclass(frozen=True, slots=True)
class TapList:
    """``weights[t]`` at ``(rows[t], columns[t])`` from the centre."""

    rows: Int64
    columns: Int64
    weights: Float32


KernelForm = Terms | Slanted | TapList


def gaussian_taps(sigma_x: float, sigma_y: float, angle: float, kernel_size: int) -> Taps:
    """Return the square kernel of a Gaussian blur; ``kernel_size`` 0 is as wide as needed."""
    return shapes.gaussian_2d(
        max(float(sigma_x), SHARP),
        max(float(sigma_y), SHARP),
        cos_degrees(angle),
        sin_degrees(angle),
        _radius(max(sigma_x, sigma_y), kernel_size),
    )


def _radius(sigma: float, kernel_size: int) -> int:
    return kernel_size // 2 if kernel_size else shapes.gaussian_radius(sigma)


def gaussian_form(sigma_x: float, sigma_y: float, angle: float, kernel_size: int) -> KernelForm:
    """Return the cheapest form of a Gaussian; parameters as of `gaussian_blur`."""
    if angle % 180.0 == 90.0:
        sigma_x, sigma_y, angle = sigma_y, sigma_x, 0.0
    if sigma_x == sigma_y or angle % 180.0 == 0.0:
        return _upright_gaussian(sigma_x, sigma_y, kernel_size)
    slanted = _slanted(sigma_x, sigma_y, angle, kernel_size // 2)
    side = 2 * _radius(max(sigma_x, sigma_y), kernel_size) + 1
    if slanted and slanted.line.cost() + _TWO_PASSES < _FEWEST_TERMS * 2 * side:
        return slanted
    taps = gaussian_taps(sigma_x, sigma_y, angle, kernel_size)
    listed = tap_list(taps)
    cheapest = listed.weights.size
    if slanted and slanted.line.cost() + _TWO_PASSES < cheapest:
        cheapest = slanted.line.cost() + _TWO_PASSES
    most = -(-cheapest // sum(taps.shape))
    columns, rows = shapes.low_rank(taps, TOLERANCE, most)
    if len(columns) == most:
        return listed if cheapest == listed.weights.size or slanted is None else slanted
    # What the tolerance left out must not darken the image.
    columns /= math.fsum(
        math.fsum(column) * math.fsum(row)
        for column, row in zip(columns.tolist(), rows.tolist(), strict=True)
    )
    return Terms(columns.astype(np.float32), rows.astype(np.float32))


def tap_list(taps: Taps) -> TapList:
    """Return the taps that matter of a dense kernel with odd sides, scaled to sum 1.

    The smallest go, equal ones together, while what goes stays below 5e-4 of the whole.
    """
    ordered = np.sort(taps, axis=None)
    # accumulate adds one after the other by definition; sum may not.
    running = np.add.accumulate(ordered)
    gone = running <= _LEFT_OUT * running[-1]
    least = ordered[min(int(gone.sum()), ordered.size - 1)]
    rows, columns = np.nonzero(taps >= least * _EQUAL)
    chosen = taps[rows, columns]
    weights = (chosen / np.add.accumulate(chosen)[-1]).astype(np.float32)
    return TapList(rows - taps.shape[0] // 2, columns - taps.shape[1] // 2, weights)


def _upright_gaussian(sigma_x: float, sigma_y: float, kernel_size: int) -> Terms:
    column, row = (_profile(float(sigma), kernel_size) for sigma in (sigma_y, sigma_x))
    return Terms(column[None].astype(np.float32), row[None].astype(np.float32))


def _profile(sigma: float, kernel_size: int) -> Taps:
    """Return one side of an upright Gaussian, no wider than matters."""
    sigma = max(sigma, SHARP)
    return shapes.gaussian_1d(
        sigma, min(_radius(sigma, kernel_size), shapes.gaussian_radius(sigma))
    )


def _slanted(sigma_x: float, sigma_y: float, angle: float, limit: int) -> Slanted | None:
    """Return slanted passes that give this Gaussian, if there are any.

    Preferably with the first along the rows: a blur of which few rows are wanted can leave it
    to those.
    """
    cosine, sine = cos_degrees(angle), sin_degrees(angle)
    x, y = sigma_x * sigma_x, sigma_y * sigma_y
    across = x * cosine * cosine + y * sine * sine
    down = x * sine * sine + y * cosine * cosine
    both = (y - x) * cosine * sine
    level = slanted_passes(across, down, both, limit)
    if level:
        return Slanted(level, upright=False)
    upright = slanted_passes(down, across, both, limit)
    return Slanted(upright, upright=True) if upright else None
