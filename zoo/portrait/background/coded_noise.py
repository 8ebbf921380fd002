"""Noise that went through JPEG: as flat over the coefficients that are left as it was before.

Compression clears fine coefficients and so the sign by which noise is told from texture. What
is left of noise has the same deviation in every order of frequency; texture falls from one order
to the next.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.stats import chi2

from zoo.restorer import Image

__all__ = ["coded_noise"]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as JPEG
_ORDER: NDArray[np.int64] = np.add.outer(np.arange(8), np.arange(8))
_FIRST, _LAST = 3, 8
"""Orders of frequency (row + column) that are compared; below lies too much of the picture."""
_SMOOTH = 0.15
"""The blocks' quantile that is read: as in `degrade.fit.noise`."""
_CLEARED = 0.6
"""An order this much weaker than the one before was cleared by compression, in part or whole."""
_FALLING, _FLAT = 0.88, 0.93
"""Ratio from one order to the next. Measured in JPEGs of quality 60 to 95: noise of 10 and 17
levels gives 0.94 and more, photographs without noise 0.87 and less."""
_FEWEST = 100
"""Blocks below which texture can look flat by chance."""
_LEAST = 1.5
"""Levels of an order below which there is nothing but rounding."""


def coded_noise(image: Image) -> float:
    """Return the deviation in luma of noise that JPEG left, levels; 0 where it is not certain.

    Parameters
    ----------
    image
        uint8 HWC RGB that was compressed, its blocks beginning at the top left corner.
    """
    height, width = (side // 8 for side in image.shape[:2])
    if height * width < _FEWEST:
        return 0.0
    luma = image[: height * 8, : width * 8] @ _LUMA
    blocks = luma.reshape(height, 8, width, 8)
    coefficients = np.asarray(dctn(blocks, axes=(1, 3), norm="ortho"))
    profile = [_deviation(coefficients, order) for order in range(_FIRST, _LAST + 1)]
    alive = _alive(profile)
    if len(alive) < 2 or alive[0] < _LEAST:
        return 0.0
    ratio = (alive[-1] / alive[0]) ** (1.0 / (len(alive) - 1))
    certainty = min(1.0, max(0.0, (ratio - _FALLING) / (_FLAT - _FALLING)))
    return float(np.mean(alive) * math.sqrt(certainty))


def _deviation(coefficients: NDArray[np.float64], order: int) -> float:
    """Return the deviation of one order at the smooth blocks, as white noise would give it."""
    rows, columns = np.nonzero(np.isin(_ORDER, order))
    energies = np.square(coefficients[:, rows, :, columns]).mean(axis=0)
    usual = chi2.ppf(_SMOOTH, rows.size) / rows.size
    return float(np.sqrt(np.quantile(energies, _SMOOTH) / usual))


def _alive(profile: list[float]) -> list[float]:
    """Return the deviations up to the first order that compression cleared."""
    alive = profile[:1]
    for before, here in pairwise(profile):
        if here < _CLEARED * before:
            break
        alive.append(here)
    # The last order before a cleared one has lost some of its coefficients itself.
    return alive[:-1] if 2 < len(alive) < len(profile) else alive
