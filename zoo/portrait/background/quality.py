"""What is wrong with a photo: its noise, its JPEG compression, its blur, told once for all of it.

Estimates only; see `zoo.portrait.background.clean` for what is done about them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.fit.jpeg_quality import JpegTrace, find_jpeg_in_place
from degrade.fit.noise import NoiseTrace, measure_noise
from degrade.ops.codec.jpeg import quantisation_tables
from zoo.portrait.background.blur_estimation import find_blur
from zoo.portrait.background.coded_noise import coded_noise
from zoo.portrait.background.deblur import Blur
from zoo.portrait.background.impulses import has_impulses, mend
from zoo.portrait.background.samples import evenly_spread, sharpest
from zoo.portrait.background.shrinkage import Variance
from zoo.restorer import Image

__all__ = ["OPPONENT", "Damage", "find_damage"]

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

_KEPT, _FAINT_NOISE, _STRONG_NOISE = 0.2, 5.0, 20.0
"""Share of what was shrunk away that is given back up to noise of the first deviation in levels,
none from the second on: measured, faint noise and JPEG of quality 40 and more look sharper with
it at no loss of error, and noise of 20 does not."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found.

    Attributes
    ----------
    impulses
        Whether there are dead pixels.
    noise, jpeg
        As measured; ``jpeg`` None where there was no compression.
    variance
        Of noise and compression together in the planes of `OPPONENT`; None where there is too
        little to do something about.
    deviation
        Its root mean over the channels and the photo, levels.
    blur
        None where the photo is sharp or its blur cannot be told.
    """

    impulses: bool
    noise: NoiseTrace
    jpeg: JpegTrace | None
    variance: Variance | None
    deviation: float
    blur: Blur | None

    @property
    def kept(self) -> float:
        """Return the share of the noise and artefacts that is left, 0 to 0.2.

        Undoing a blur would enlarge them: none is left then.
        """
        if self.blur is not None:
            return 0.0
        faintness = (_STRONG_NOISE - self.deviation) / (_STRONG_NOISE - _FAINT_NOISE)
        return _KEPT * min(1.0, max(0.0, faintness))

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
    found = Variance(constant.astype(np.float32), slope.astype(np.float32))
    hidden = 0.0 if jpeg is None else (noise.sigma / max(noise.whiteness, 1e-3)) ** 2
    return Damage(
        impulses,
        noise,
        jpeg,
        found if total > 0.0 else None,
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
