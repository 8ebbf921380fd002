"""A turned Gaussian as two one-dimensional passes: along an axis, then along a slanted line.

J.-M. Geusebroek, A. Smeulders, J. van de Weijer, "Fast anisotropic Gauss filtering", IEEE TIP
12 (2003). With covariance [[a, c], [c, b]] the kernel is a Gaussian of variance a − c² / b along
the first axis, its centre sliding by c / b for each step along the second, times a Gaussian of
variance b along the second. Where the line runs between pixels it is split between two of them;
the variance that the splitting adds is taken off the first pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.ops.blur.point_spread import gaussian_1d, gaussian_radius
from degrade.ops.kernels.compile import kernel

__all__ = ["SlantedLine", "slanted_passes"]

_NARROWEST = 1.6
"""Pixels; with a narrower first pass the splitting between pixels would show."""


@dataclass(frozen=True, slots=True)
class SlantedLine:
    """The two passes.

    Attributes
    ----------
    first
        Taps along the first axis, float64, odd, sum 1.
    along, across
        int64: offset of each tap of the second pass along the second and the first axis.
    weights
        float64, one for each tap, sum 1.
    """

    first: NDArray[np.float64]
    along: NDArray[np.int64]
    across: NDArray[np.int64]
    weights: NDArray[np.float64]

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
def _split_line(
    slope: float, profile: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], float]:
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
        place = slope * (i - reach)
        left = math.floor(place)
        part = place - left
        added += profile[i] * part * (1.0 - part)
        for k in range(2):
            share = part if k == 1 else 1.0 - part
            if share > 0.0:
                along[count], across[count] = i - reach, left + k
                weights[count] = profile[i] * share
                count += 1
    return along[:count].copy(), across[:count].copy(), weights[:count].copy(), added
