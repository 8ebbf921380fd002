"""Fit lines of an image as enlargements of shorter lines: the size of least misfit is the old one.

Enlarging n samples to N is a linear map of narrow bands, so whatever was enlarged lies in a
space of n dimensions, and least squares tells what part of a line lies outside it. That part is
rounding (or the noise added since) for the true n, and image for every other n.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.sparse import csc_array, csr_array

Samples = NDArray[np.float64]

INTERPOLATIONS = ("linear", "cubic", "cubic-half")
"""Names: `degrade.ops.size.resize`'s, and the cubic of coefficient -0.5 (Keys 1981), which is
Pillow's and MATLAB's; the plain ``cubic`` is OpenCV's of -0.75."""

_CUBICS = {"cubic": -0.75, "cubic-half": -0.5}
_REACH = {"linear": 1, "cubic": 2, "cubic-half": 2}
"""Old pixels that a new one takes from on each side."""

_RIDGE = 1e-9
"""Keeps old pixels that no new one takes from at zero; far below rounding."""


def interpolation(small: int, large: int, name: str) -> csr_array:
    """Return the sparse (large, small) matrix that enlarges a line.

    Pixel centres map as (i + 1/2) small / large - 1/2, the border pixel repeats and rows sum to
    one, as in `degrade.ops.size.resize`, OpenCV and, borders of wider filters aside, Pillow.
    """
    return _sparse(small, *_taps(small, large, name))


def misfit(lines: Samples, small: int, name: str) -> float:
    """Return the variance that no line of ``small`` samples explains, per free sample.

    Parameters
    ----------
    lines
        float64 (N, count), one line a column.
    small
        Samples before the enlargement, below N.
    name
        One of `INTERPOLATIONS`.
    """
    transposed, bands = _normal_equations(small, lines.shape[0], name)
    projected = transposed @ lines
    explained = float(np.vdot(projected, solveh_banded(bands, projected, check_finite=False)))
    rest = float(np.vdot(lines, lines)) - explained
    return float(max(rest, 0.0) / (lines.shape[1] * (lines.shape[0] - small)))


def shorten(lines: Samples, small: int, name: str) -> Samples:
    """Return the (small, count) lines whose enlargement is nearest to ``lines`` (N, count)."""
    transposed, bands = _normal_equations(small, lines.shape[0], name)
    return np.asarray(solveh_banded(bands, transposed @ lines, check_finite=False))


@lru_cache(maxsize=512)
def _normal_equations(small: int, large: int, name: str) -> tuple[csc_array, Samples]:
    """Return the transposed map and the upper bands of its Gram matrix, as SciPy stores them."""
    columns, weights = _taps(small, large, name)
    taps = columns.shape[1]
    bands = np.zeros((taps, small))
    for first in range(taps):
        for second in range(first, taps):
            apart = columns[:, second] - columns[:, first]
            # Beyond the border two taps are the same old pixel, and count as the two products.
            product = weights[:, first] * weights[:, second]
            product = np.where((apart == 0) & (second > first), 2.0 * product, product)
            np.add.at(bands, (taps - 1 - apart, columns[:, second]), product)
    bands[-1] += _RIDGE
    return _sparse(small, columns, weights).T, bands


def _sparse(small: int, columns: NDArray[np.int64], weights: Samples) -> csr_array:
    large, taps = columns.shape
    starts = np.arange(0, large * taps + 1, taps)
    return csr_array((weights.ravel(), columns.ravel(), starts), shape=(large, small))


def _taps(small: int, large: int, name: str) -> tuple[NDArray[np.int64], Samples]:
    """Return (large, taps) places in the short line and the weights that they enter with."""
    reach = _REACH[name]
    centre = (np.arange(large) + 0.5) * small / large - 0.5
    positions = np.floor(centre)[:, None] + np.arange(1 - reach, reach + 1)
    weights = _weight(name, np.abs(positions - centre[:, None]))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(positions, 0, small - 1).astype(np.int64), weights


def _weight(name: str, x: Samples) -> Samples:
    """Return the filter at distance x >= 0 in old pixels, zero from its reach on."""
    if name == "linear":
        return np.maximum(0.0, 1.0 - x)
    a = _CUBICS[name]
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
