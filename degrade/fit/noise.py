"""Measure the noise of an image: how strong, how it grows with brightness, how it is coloured.

Read from the smoothest 8 × 8 blocks in the cosine domain, where white noise has the same
variance in every coefficient and texture has little (N. Ponomarenko et al., "An automatic
approach to lossy compression of AVIRIS images", IGARSS 2007; S. Pyatykh et al., "Image noise
level estimation by principal component analysis", IEEE TIP 2013, for the smallest-variance
reasoning). The blocks lie on JPEG's own grid: compression clears fine coefficients of noise
and leaves coarse ones, so these count in JPEG, and the fine ones, freer of texture, elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.images import Image

Blocks = NDArray[np.float64]

_ORDER = np.add.outer(np.arange(8), np.arange(8))
_FINE = _ORDER >= 8
_COARSE = (_ORDER >= 2) & (_ORDER <= 4)
_COLOUR = (_ORDER >= 2) & (_ORDER <= 3)
"""Coefficients that colour at half the size (4:2:0) keeps."""
_SMOOTH = 0.15
"""The level is read at this quantile of the blocks' energies: low, so that an image that is
smooth in a seventh of its area tells its noise."""
_DARKEST, _BRIGHTEST = 6.0, 249.0
"""Blocks with a value beyond these may be clipped, which hides noise: passed over."""
_FEWEST = 12
"""Blocks below which clipped ones are taken too."""
_BANDS = 6
"""Ranges of brightness, of equal many blocks, that the growth is fitted on."""
_MIDDLE = 128.0
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, slots=True)
class NoiseTrace:
    """The noise of one image; its variance at a level is ``constant + slope * level``."""

    # Standard deviation in 8-bit levels, mean over the channels (of variances) and the image. Sharp
    # portraits without noise give 0.2, and 1 where they were JPEG: texture.
    sigma: float
    # Levels squared, and levels squared per level. Shot noise has ``constant`` near 0 and ``slope =
    # 255 / photons``.
    constant: float
    slope: float
    # Between the channels, −1 to 1: near 0 where each has noise of its own, near 1 where all share
    # it (grey noise, or colour cleared by JPEG)
    correlation: float
    # Deviation of fine over coarse noise: near 1 for white, near 0 where JPEG, resizing or blur
    # took the fine part away
    whiteness: float

    @property
    def dependence(self) -> float:
        """Return the share of the variance at level 128 that grows with the level, 0 to 1."""
        grown = self.slope * _MIDDLE
        return min(1.0, max(0.0, grown / max(self.constant + grown, 1e-9)))

    @property
    def luma_variance(self) -> float:
        """Return the variance in luma (BT.601), squared levels."""
        own = float(np.square(_LUMA).sum())
        return self.sigma**2 * (own + max(self.correlation, 0.0) * (1.0 - own))


def measure_noise(image: Image, *, compressed: bool = False) -> NoiseTrace:
    """Return the noise of one image.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB. With a side below 16 there is nothing to tell noise
        from: everything is 0.
    compressed
        Whether it was JPEG, which clears more of the fine noise the weaker it is; then the
        coarse part alone is read.
    """
    if min(image.shape[:2]) < 16:
        return NoiseTrace(0.0, 0.0, 0.0, 0.0, 0.0)
    coefficients, means = _spectra(image)
    fine, coarse = _level(coefficients, _FINE), _level(coefficients, _COARSE)
    whiteness = fine / max(coarse, 1e-9)
    band, sigma = (_COARSE, coarse) if compressed else (_FINE, fine)
    constant, slope = _growth(coefficients, means, band, sigma)
    return NoiseTrace(sigma, constant, slope, _correlation(coefficients), min(whiteness, 1.0))


def _spectra(image: Image) -> tuple[Blocks, NDArray[np.float64]]:
    """Return orthonormal cosine spectra (blocks, 3, 8, 8) and mean levels (blocks, 3)."""
    from scipy.fft import dctn

    height, width = (side // 8 for side in image.shape[:2])
    cut = image[: height * 8, : width * 8].astype(np.float64)
    blocks = cut.reshape(height, 8, width, 8, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 8, 8)
    inside = (blocks.min((1, 2, 3)) > _DARKEST) & (blocks.max((1, 2, 3)) < _BRIGHTEST)
    used = blocks[inside] if inside.sum() >= _FEWEST else blocks
    return np.asarray(dctn(used, axes=(2, 3), norm="ortho")), used.mean((2, 3))


def _level(coefficients: Blocks, band: NDArray[np.bool_]) -> float:
    """Return the deviation at the smooth blocks, as white noise of that deviation would give."""
    energies = np.square(coefficients[:, :, band]).mean(2)
    variances = np.quantile(energies, _SMOOTH, axis=0) / _expected(int(band.sum()), _SMOOTH)
    return math.sqrt(float(variances.mean()))


def _expected(count: int, share: float) -> float:
    """Return the quantile of the mean of ``count`` squared standard normal numbers."""
    from scipy.stats import chi2

    return float(chi2.ppf(share, count)) / count


def _growth(
    coefficients: Blocks, means: NDArray[np.float64], band: NDArray[np.bool_], sigma: float
) -> tuple[float, float]:
    """Return ``(constant, slope)`` of the line through the variances at several levels.

    A band of brightness weighs by its number of blocks over its variance, the inverse of the
    error of a variance. Levels that are all much alike tell no slope; negative slopes and
    constants, which noise cannot have, are 0.
    """
    energies = np.square(coefficients[:, :, band]).mean(2).ravel()
    levels = means.ravel()
    parts = [part for part in np.array_split(np.argsort(levels), _BANDS) if part.size >= _FEWEST]
    if len(parts) < 2:
        return sigma**2, 0.0
    share = _expected(int(band.sum()), _SMOOTH)
    centre = np.array([levels[part].mean() for part in parts])
    variance = np.array([np.quantile(energies[part], _SMOOTH) for part in parts]) / share
    if np.ptp(centre) < _MIDDLE / 16.0:
        return sigma**2, 0.0
    weights = 1.0 / np.maximum(variance, 1e-3)
    slope, constant = np.polyfit(centre, variance, 1, w=weights)
    if slope <= 0.0:
        return sigma**2, 0.0
    if constant <= 0.0:
        slope = float(np.average(variance / centre.clip(1.0), weights=weights))
        return 0.0, slope
    return float(constant), float(slope)


def _correlation(coefficients: Blocks) -> float:
    """Return the mean correlation of the three pairs of channels at the smooth blocks."""
    coloured = coefficients[:, :, _COLOUR]
    energy = np.square(coloured).mean((1, 2))
    smooth = coloured[energy <= np.quantile(energy, 2.0 * _SMOOTH)]
    products = np.einsum("nik,njk->ij", smooth, smooth)
    scale = np.sqrt(np.maximum(np.diag(products), 1e-9))
    correlations = products / np.outer(scale, scale)
    return float(np.clip(correlations[np.triu_indices(3, 1)].mean(), -1.0, 1.0))
