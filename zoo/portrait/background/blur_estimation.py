"""Find the blur of a photo, and the power of picture and of damage that undoing it weighs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from degrade.fit.blur import BlurTrace, measure_blur
from zoo.portrait.background.deblur import FALL, Blur
from zoo.restorer import Image

__all__ = ["find_blur"]

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
