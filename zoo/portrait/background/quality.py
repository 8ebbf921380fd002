"""What is wrong with a photo: its noise, its JPEG compression, its blur, told once for all of it.

Estimates only; see `zoo.portrait.background.clean` for what is done about them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.stats import chi2

from degrade.fit.jpeg_quality import JpegTrace, find_jpeg_in_place
from degrade.fit.noise import NoiseTrace, measure_noise
from degrade.ops.codec.jpeg import quantisation_tables
from zoo.portrait.background.deblur import Blur, find_blur
from zoo.portrait.background.shrinkage import Variance, has_impulses, mend
from zoo.restorer import Image

__all__ = [
    "OPPONENT",
    "Damage",
    "coded_noise",
    "evenly_spread",
    "find_damage",
    "sharpest",
]

OPPONENT = (np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])).astype(
    np.float32
)
"""Orthonormal brightness and two differences of colour, of RGB: BM3D's (Dabov et al. 2007)."""

_RGB_OF_YCC = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])
"""JFIF 1.02, page 3."""

_TEXTURE = 1.0
"""Squared levels of fine texture that a sharp photograph without noise is measured at."""
_SURE, _UNSURE = 0.45, 0.3
"""Fine over coarse deviation: noise from the first on, texture below the second. Measured: noise
of 3 levels and more gives 0.5 and more; sharp photographs full of texture up to 0.24."""
_LEAST_COLOUR = 0.3
"""Share of the noise's variance that its colour is taken to have at least: texture is grey, and
is mistaken for a correlation of noise where there is little noise."""

_JPEG_SHARE, _JPEG_POWER = 0.4, 1.3
"""Variance of the error of JPEG: share * (mean of the nine lowest steps) ** power, as A. Foi et
al., "Pointwise Shape-Adaptive DCT", IEEE TIP 2007, eq. 12. Their share of 0.69 is for the least
squared error; of 0.3 to 0.7 it makes 0.1 dB, and less keeps more texture."""
_FAINT, _FADE = 95.0, 25.0
"""JPEG of the first quality is left alone, that of ``_FADE`` less is treated in full."""
_HALVED_CHROMA = 2.0
"""By how much halving the chroma multiplies its error's variance, measured likewise."""

_LEFT_OVER, _HIDDEN = 0.1, 0.25
"""Shares of the variance that shrinking leaves of what it knows; and of the coarse noise that a
JPEG holds, which it does not know from texture."""
_GRAIN = 0.4
"""Share of the variance of noise in a JPEG that is shrunk. Compression cleared its fine part
already; measured on blurred, noisy, compressed portraits, all of it blurs what is left of them."""
_COLOUR_OF_GRAIN = 0.5
"""Variance of noise in a chroma plane of JPEG over that in luma: 0.9 for noise of its own in each
of RGB (from the weights of JFIF 1.02), of which halving and coarse steps leave about half."""

_PRESERVED, _FAINT_NOISE, _STRONG_NOISE = 0.2, 5.0, 20.0
"""Share of what was shrunk away that is given back up to noise of the first deviation in levels,
none from the second on: measured, faint noise and JPEG of quality 40 and more look sharper with
it at no loss of error, and noise of 20 does not."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found."""

    impulses: bool  # whether there are dead pixels
    noise: NoiseTrace  # as measured; ``jpeg`` None where there was no compression
    jpeg: JpegTrace | None
    # Of noise and compression together in the planes of `OPPONENT`; None where there is too little
    # to do something about
    variance: Variance | None
    deviation: float  # its root mean over the channels and the photo, levels
    blur: Blur | None  # none where the photo is sharp or its blur cannot be told

    @property
    def kept(self) -> float:
        """Return the share of the noise and artefacts that is left, 0 to 0.2.

        Undoing a blur would enlarge them: none is left then.
        """
        if self.blur is not None:
            return 0.0
        faintness = (_STRONG_NOISE - self.deviation) / (_STRONG_NOISE - _FAINT_NOISE)
        return _PRESERVED * min(1.0, max(0.0, faintness))

    @property
    def none(self) -> bool:
        """Return whether there is nothing to do."""
        return not self.impulses and self.variance is None and self.blur is None


def find_damage(photo: Image) -> Damage:
    """Return what is wrong with a photo of any size; reads at most some 1.6 megapixels of it.

    Parameters
    ----------
    photo
        uint8 (height, width, 3) RGB.
    """
    sample, view = evenly_spread(photo), sharpest(photo)
    impulses = has_impulses(sample)
    if impulses:
        sample, view = mend(sample), mend(view)
    jpeg, noise = find_jpeg_in_place(sample), measure_noise(sample)
    constant = _jpeg_variance(jpeg, sample)
    share = _certainty(noise.whiteness) * _beyond_texture(noise)
    mixed = _mixed(noise.correlation)
    constant += share * noise.constant * mixed
    slope = share * noise.slope * mixed
    level = float(sample.mean())
    total = float(constant.sum() + slope.sum() * level) / 3.0
    variance = Variance(constant.astype(np.float32), slope.astype(np.float32))
    hidden = 0.0 if jpeg is None else (noise.sigma / max(noise.whiteness, 1e-3)) ** 2
    return Damage(
        impulses,
        noise,
        jpeg,
        variance if total > 0.0 else None,
        math.sqrt(total),
        find_blur(view, total, _LEFT_OVER * total + _HIDDEN * hidden),
    )


def _certainty(whiteness: float) -> float:
    return min(1.0, max(0.0, (whiteness - _UNSURE) / (_SURE - _UNSURE)))


def _beyond_texture(noise: NoiseTrace) -> float:
    """Return the share of the noise's variance that is not a sharp photograph's texture."""
    return max(0.0, 1.0 - _TEXTURE / max(noise.sigma**2, 1e-9))


def _mixed(correlation: float) -> NDArray[np.float64]:
    """Return the variance in each plane of `OPPONENT` of noise of variance 1 a channel."""
    shared = min(max(correlation, 0.0), 1.0 - _LEAST_COLOUR)
    return np.array([1.0 + 2.0 * shared, 1.0 - shared, 1.0 - shared])


def _jpeg_variance(jpeg: JpegTrace | None, sample: Image) -> NDArray[np.float64]:
    """Return the variance of the compression's error, and noise in it, in each of `OPPONENT`."""
    if jpeg is None:
        return np.zeros(3)
    steps = quantisation_tables(jpeg.quality).reshape(2, 8, 8)[:, :3, :3].mean(axis=(1, 2))
    share = _JPEG_SHARE * min(1.0, max(0.0, (_FAINT - jpeg.quality) / _FADE))
    luma, chroma = share * steps**_JPEG_POWER
    if jpeg.subsampling != "444":
        chroma *= _HALVED_CHROMA
    grain = _GRAIN * coded_noise(sample[jpeg.grid[0] :, jpeg.grid[1] :]) ** 2
    luma, chroma = luma + grain, chroma + _COLOUR_OF_GRAIN * grain
    return np.asarray(np.square(OPPONENT @ _RGB_OF_YCC) @ np.array([luma, chroma, chroma]))


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


_CROP, _CROPS = 256, 4
_VIEW = 768
_GRID = 16
"""Crops begin at multiples of this: as the blocks of JPEG do, also of halved chroma."""


def evenly_spread(photo: Image) -> Image:
    """Return the photo, or 4 crops of 256 pixels a side side by side, on the grid of JPEG."""
    height, width = photo.shape[:2]
    rows, columns = _starts(height), _starts(width)
    if len(rows) * len(columns) == 1:
        return photo
    tall = _CROP if len(rows) > 1 else height
    wide = _CROP if len(columns) > 1 else width
    return np.concatenate(
        [np.concatenate([photo[y : y + tall, x : x + wide] for x in columns], axis=1) for y in rows]
    )


def _starts(side: int) -> list[int]:
    if side <= _CROP * _CROPS:
        return [0]
    last = (side - _CROP) // _GRID
    return [round(n * last / (_CROPS - 1)) * _GRID for n in range(_CROPS)]


def sharpest(photo: Image) -> Image:
    """Return the photo or its crop of 768 pixels with the most fine detail, its sharpest part."""
    crops = [
        photo[y : y + _VIEW, x : x + _VIEW]
        for y in _views(photo.shape[0])
        for x in _views(photo.shape[1])
    ]
    return max(crops, key=_fineness) if len(crops) > 1 else crops[0]


def _views(side: int) -> list[int]:
    return [0] if side <= _VIEW else [0, (side - _VIEW) // 2, side - _VIEW]


def _fineness(crop: Image) -> float:
    """Return the mean squared difference of neighbours in green."""
    green = crop[..., 1].astype(np.float32)
    return float(np.square(np.diff(green, axis=0)).mean() + np.square(np.diff(green)).mean())
