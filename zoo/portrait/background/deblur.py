"""Sharpen what a known Gaussian blurred: a Wiener filter that cannot ring beyond its surroundings.

The blur is told by the caller. Where it is not quite Gaussian (defocus, resizing) the filter
undoes what a Gaussian explains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from degrade.fit.blur import BlurTrace, measure_blur
from zoo.restorer import Image

__all__ = [
    "FALL",
    "Blur",
    "deblur",
    "find_blur",
]

_MODEL_ERROR = 0.03
"""Share of the amplitude by which the model misses: as the ``wiener`` restorer's, measured there
on photographs."""
FALL = 3.2
"""Exponent of a sharp photograph's power: as `degrade.fit.blur` takes it."""
_SOFTNESS = 0.5
"""Standard deviation in pixels of what sharp photographs show themselves; it is left."""
_WIDEST = 3.0
"""Pixels; of a wider blur this much is undone, the rest is beyond any filter in 8 bits."""
_BORDER = 32
"""Pixels of mirror around a tile, so that its opposite edges do not meet."""
_OVERSHOOT = 0.1
"""Of the range of the surroundings: how far beyond it a sharpened value may go. 0 flattens thin
lines, more shows as a halo."""


@dataclass(frozen=True, slots=True)
class Blur:
    """What is undone."""

    trace: BlurTrace  # the blur of the photo
    # Power of the sharp picture at 1 cycle a pixel, squared levels: its power at f cycles is
    # ``detail * f ** -3.2``
    detail: float
    noise: float  # variance of what is left of noise, squared levels

    @property
    def spread(self) -> tuple[float, float]:
        """Return the standard deviations, along and across, that are undone."""
        return _beyond_softness(self.trace.along), _beyond_softness(self.trace.across)


def deblur(image: NDArray[np.float32], blur: Blur) -> NDArray[np.float32]:
    """Return the image with less blur.

    N. Wiener 1949 for a Gaussian, with a picture whose power falls as a power of the frequency.

    Parameters
    ----------
    image
        float32 (height, width, 3), levels 0-255.
    blur
        What is undone.
    """
    height, width = image.shape[:2]
    size = tuple(next_fast_len(side + 2 * _BORDER, real=True) for side in (height, width))
    gain = _gain(blur, (size[0], size[1]))
    after = (size[0] - height - _BORDER, size[1] - width - _BORDER)
    sharp = np.empty_like(image)
    for channel in range(image.shape[2]):
        plane = np.pad(
            image[..., channel], ((_BORDER, after[0]), (_BORDER, after[1])), mode="symmetric"
        )
        whole = irfft2(rfft2(plane) * gain, size)
        sharp[..., channel] = whole[_BORDER : _BORDER + height, _BORDER : _BORDER + width]
    return _within_surroundings(sharp, image, blur)


def _gain(blur: Blur, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return H S / ((H² + e²) S + N), scaled to keep the mean."""
    down = np.fft.fftfreq(size[0])[:, None]
    right = np.fft.rfftfreq(size[1])[None]
    transfer = np.exp(-2.0 * math.pi**2 * _variance_along(blur, down, right))
    # The least frequency but zero of a thousand pixels stands for zero, where power is finite.
    frequency = np.maximum(np.hypot(down, right), 1e-3)
    inverse_ratio = blur.noise / blur.detail * frequency**FALL
    gain = transfer / (transfer**2 + _MODEL_ERROR**2 + inverse_ratio)
    return np.asarray(gain / gain[0, 0], np.float32)


def _variance_along(
    blur: Blur, down: NDArray[np.floating], right: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return f'Cf for the covariance C of the blur."""
    angle = math.radians(blur.trace.angle)
    along = right * math.cos(angle) - down * math.sin(angle)  # rows count downwards
    across = right * math.sin(angle) + down * math.cos(angle)
    spread = blur.spread
    return np.asarray((spread[0] * along) ** 2 + (spread[1] * across) ** 2)


def _beyond_softness(deviation: float) -> float:
    return min(math.sqrt(max(deviation**2 - _SOFTNESS**2, 0.0)), _WIDEST)


def _within_surroundings(
    sharp: NDArray[np.float32], image: NDArray[np.float32], blur: Blur
) -> NDArray[np.float32]:
    """Clip to the range of the pixels that the blur took each value from, and a little more."""
    side = 2 * math.ceil(max(blur.spread)) + 1
    window = np.ones((side, side), np.uint8)
    highest, lowest = cv2.dilate(image, window), cv2.erode(image, window)
    room = np.float32(_OVERSHOOT) * (highest - lowest)
    return np.asarray(np.clip(sharp, lowest - room, highest + room), np.float32)


Samples = NDArray[np.float64]

_BLURRED = 0.7
"""Pixels of blur in the sharpest direction from which a photo is blurred: sharp photographs are
measured at 0.4 and less, a Gaussian of 0.8 at 0.7 and more."""
_LOWEST = 0.02
"""Cycles a pixel above which, up to three times it, the picture's power is read."""
_ROUNDING = 1.0 / 12.0
"""Variance of rounding to whole levels."""
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def find_blur(view: Image, variance: float, left: float) -> Blur | None:
    """Return the blur that is to be undone, None where the view is sharp.

    Parameters
    ----------
    variance, left
        Of the noise in the view, and of what is left of it when the blur is undone.
    """
    trace = measure_blur(view, variance)
    if trace.across < _BLURRED:
        return None
    spectrum = _spectrum(view)
    detail = _detail(spectrum, trace, variance + _ROUNDING)
    unexplained = _unexplained(spectrum, trace, detail, 1.0 + variance) - variance
    return Blur(trace, detail, max(_ROUNDING + left, unexplained))


def _spectrum(view: Image) -> tuple[Samples, Samples]:
    """Return frequencies in cycles a pixel and the power of luma there, squared levels."""
    luma = view @ _LUMA
    window = np.outer(np.hanning(luma.shape[0] + 2)[1:-1], np.hanning(luma.shape[1] + 2)[1:-1])
    power = np.abs(np.fft.rfft2((luma - luma.mean()) * window)) ** 2 / np.square(window).sum()
    down, right = np.fft.fftfreq(luma.shape[0])[:, None], np.fft.rfftfreq(luma.shape[1])[None]
    return np.hypot(down, right).ravel(), power.ravel()


def _detail(spectrum: tuple[Samples, Samples], trace: BlurTrace, floor: float) -> float:
    """Return what `Blur.detail` says, from the frequencies that the blur left most of."""
    frequency, power = spectrum
    used = (frequency >= _LOWEST) & (frequency <= 3.0 * _LOWEST)
    passed = np.exp(-4.0 * math.pi**2 * (trace.sigma * frequency[used]) ** 2)
    sharp = np.maximum(power[used] - floor, _ROUNDING) / passed
    # The mean logarithm of an exponential variable lies Euler's constant below that of its mean.
    logarithm = np.mean(np.log(sharp) + FALL * np.log(frequency[used]))
    return float(np.exp(logarithm + np.euler_gamma))


def _unexplained(
    spectrum: tuple[Samples, Samples], trace: BlurTrace, detail: float, floor: float
) -> float:
    """Return the power just beyond the frequency where the blurred picture's has sunk to the floor.

    What is there is no picture: blocks, ringing or noise from after the blur, which undoing the
    blur would enlarge.
    """
    frequency, power = spectrum
    passed = np.exp(-4.0 * math.pi**2 * (trace.sigma * frequency) ** 2)
    known = detail * np.maximum(frequency, 1e-3) ** -FALL * passed
    sunk = frequency[known < floor]
    if not sunk.size:
        return 0.0
    beyond = (frequency >= sunk.min()) & (frequency <= 2.0 * sunk.min())
    return float(np.mean(power[beyond]))
