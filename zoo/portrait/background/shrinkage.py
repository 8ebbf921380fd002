"""Take noise out of planes: shrink the cosine coefficients of overlapping 8 × 8 blocks.

G. Yu & G. Sapiro, "DCT Image Denoising: a Simple and Effective Image Denoising Algorithm",
IPOL 2011, with a second pass that shrinks by the first one's result as BM3D does (K. Dabov et
al., IEEE TIP 2007, eq. 20-23). Knows nothing of photographs: variances come from its caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from zoo.restorer import Image

__all__ = [
    "REACH",
    "Variance",
    "has_impulses",
    "mend",
    "shrink",
]

Planes = NDArray[np.float32]

_BLOCK = 8
_STRIDE = 2
"""Pixels between blocks. Measured at noise of 5 to 30 levels: 4 costs 0.4 to 0.7 dB, 1 gains
0.1 to 0.3 dB and takes four times as long."""
_THRESHOLD = 2.7
"""Deviations below which the first pass drops a coefficient: BM3D, table I."""
_LEAST_WEIGHT = 1e-2
_LEAST_VARIANCE = 1e-6

REACH = 2 * (_BLOCK - 1)
"""Pixels around one that decide its value."""


@dataclass(frozen=True, slots=True)
class Variance:
    """The noise of planes: at level v its variance is ``constant + slope * v`` in each plane."""

    constant: NDArray[np.float32]  # float32 (planes,), squared levels and squared levels per level
    slope: NDArray[np.float32]


def shrink(planes: Planes, levels: Planes, variance: Variance) -> Planes:
    """Return the planes without noise of that variance.

    Parameters
    ----------
    planes
        float32 (planes, height, width), any units.
    levels
        float32 (height, width): the brightness that the variance grows with; its mean over a
        block counts.
    variance
        Of the noise, in squared units of the planes.

    Notes
    -----
    Values depend on those within `REACH` alone, and on where blocks begin modulo 2: windows of
    one picture that begin at even rows and columns agree wherever they hold a pixel's reach.
    """
    height, width = planes.shape[1:]
    around = ((_BLOCK, _BLOCK + -height % _BLOCK), (_BLOCK, _BLOCK + -width % _BLOCK))
    wide = np.pad(planes, ((0, 0), *around), mode="symmetric")
    bright = np.pad(levels, around, mode="symmetric")[None]
    pilot = _pass(wide, None, bright, variance)
    result = _pass(wide, pilot, bright, variance)
    return result[:, _BLOCK : _BLOCK + height, _BLOCK : _BLOCK + width]


def _pass(planes: Planes, pilot: Planes | None, levels: Planes, variance: Variance) -> Planes:
    """Shrink at every shift and average, sparser blocks counting more (BM3D, eq. 10 and 22)."""
    total = np.zeros_like(planes)
    weights = np.zeros_like(planes)
    rows, columns = (side - _BLOCK for side in planes.shape[1:])
    for top in range(0, _BLOCK, _STRIDE):
        for left in range(0, _BLOCK, _STRIDE):
            window = np.s_[:, top : top + rows, left : left + columns]
            noise = _block_variance(levels[window], variance)
            coefficients = _transformed(planes[window])
            guide = None if pilot is None else _transformed(pilot[window])
            shrunk, weight = _shrunk(coefficients, guide, noise)
            values = idctn(shrunk, axes=(2, 4), norm="ortho", overwrite_x=True)
            values *= weight
            total[window] += values.reshape(-1, rows, columns)
            weights[window] += np.broadcast_to(weight, values.shape).reshape(-1, rows, columns)
    # The last rows and columns lie in no block of some shifts, yet in one of the others.
    return np.divide(total, weights, out=planes.copy(), where=weights > 0.0)


def _shrunk(
    coefficients: Planes, guide: Planes | None, noise: NDArray[np.float32]
) -> tuple[Planes, NDArray[np.float32]]:
    """Return the coefficients that are kept, written into ``seen``, and the blocks' weights."""
    means = coefficients[:, :, :1, :, :1].copy()
    if guide is None:
        gain = (coefficients * coefficients >= noise * np.float32(_THRESHOLD**2)).astype(np.float32)
        weight = 1.0 / (1.0 + gain.sum((2, 4), keepdims=True))
    else:
        gain = np.square(guide, out=guide)
        gain /= gain + noise
        weight = 1.0 / (_LEAST_WEIGHT + np.square(gain).sum((2, 4), keepdims=True))
    coefficients *= gain
    coefficients[:, :, :1, :, :1] = means
    return coefficients, weight


def _blocks(planes: Planes) -> Planes:
    count, rows, columns = planes.shape
    return planes.reshape(count, rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)


def _transformed(planes: Planes) -> Planes:
    """Return orthonormal cosine coefficients (planes, rows, 8, columns, 8) of the blocks."""
    return np.asarray(dctn(_blocks(planes), axes=(2, 4), norm="ortho"), np.float32)


def _block_variance(levels: Planes, variance: Variance) -> NDArray[np.float32]:
    """Return the noise of each block, (planes, rows, 1, columns, 1)."""
    constant, slope = (part[:, None, None, None, None] for part in _parts(variance))
    mean = _blocks(levels).mean((2, 4), keepdims=True)
    return np.asarray(np.maximum(constant + slope * mean, _LEAST_VARIANCE), np.float32)


def _parts(variance: Variance) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return variance.constant.astype(np.float32), variance.slope.astype(np.float32)


_APART, _DEVIATIONS = 40.0, 8.0
"""Levels, and mean distances of other values, that one at the end of the range must differ from
the median around it: strong noise reaches the ends too, but not alone."""
_TOUCHING = 2
"""Values at an end of the range in 3 × 3, its own included, of one that stands alone."""
_FEWEST = 5e-4
"""Share of the values, of each kind. Measured: impulses on 0.2 % of the values give 6e-4 and more;
of 102 photographs without any, none gives more than 3e-4 of both kinds."""
_BALANCE = 3.0
"""How many times more of one kind than of the other there may be: both are equally likely, so
stars (white) or letters (black) alone are picture."""


def has_impulses(image: Image) -> bool:
    """Return whether dead pixels, white and black, are spread over a picture.

    Parameters
    ----------
    image
        uint8 HWC RGB; struck by channel or as whole pixels.
    """
    alone = _alone(image, _median(image))
    white = float(np.mean(alone & (image == 255)))
    black = float(np.mean(alone & (image == 0)))
    fewer, more = sorted((white, black))
    return fewer >= _FEWEST and more <= _BALANCE * fewer


def mend(image: Image) -> Image:
    """Return the picture with dead pixels replaced by the median of the 5 × 5 around them."""
    median = _median(image)
    return np.where(_alone(image, median), median, image)


def _alone(image: Image, median: Image) -> NDArray[np.bool_]:
    extreme = (image == 0) | (image == 255)
    apart = cv2.absdiff(image, median)
    # Dead pixels seldom touch; the glints and stripes of a picture do.
    near = cv2.boxFilter(extreme.astype(np.float32), -1, (3, 3), normalize=False)
    extreme &= near < _TOUCHING + 0.5
    usual = float(apart.mean(where=~extreme)) if not extreme.all() else 0.0
    return np.asarray(extreme & (apart >= max(_APART, _DEVIATIONS * usual)))


def _median(image: Image) -> Image:
    """Return the median of the 5 × 5 around each value, each channel by itself."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(image), 5), np.uint8)
