"""Measure the blur of an image: the Gaussian that explains how fast its spectrum falls.

A sharp photograph's power falls as a power of the frequency (D. Field, JOSA A 1987); a
Gaussian with covariance C multiplies it by exp(−4π² f'Cf). The logarithm of the power is
therefore linear in the three numbers of C, and one weighted least-squares fit below the
frequency where noise takes over gives the strength along every direction at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.images import Image

Plane = NDArray[np.float64]

_FALL = 3.2
"""Exponent of the sharp spectrum's power. Measured: of 2.0, 2.6 and 3.2, the one that leaves
least blur on 30 sharp portraits of 300 pixels (0.5 px); Field's landscapes have 2."""
_LOWEST = 1.5
"""Periods over the shorter side below which the window shows, not the image."""
_RINGS = 48
_ABOVE_FLOOR = 6.0
"""Times the floor of noise that the power must have to be fitted."""
_ROUNDING = 1.0 / 12.0
"""Variance of rounding to whole levels, hence the least floor of the power."""
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as JPEG


@dataclass(frozen=True, slots=True)
class BlurTrace:
    """The Gaussian blur of one image."""

    # Standard deviations in pixels along the most and the least blurred direction; ``along >=
    # across``. Sharp photographs have some 0.5: their own softness.
    along: float
    across: float
    # Degrees counter-clockwise from the horizontal to the most blurred direction, 0 to 180
    angle: float

    @property
    def sigma(self) -> float:
        """Return the round blur of the same mean variance, pixels."""
        return math.sqrt((self.along**2 + self.across**2) / 2.0)

    @property
    def stretch(self) -> float:
        """Return along over across, 1 or more; 10 at most."""
        return min(10.0, self.along / max(self.across, 1e-3))


def measure_blur(image: Image, noise_variance: float = 0.0) -> BlurTrace:
    """Return the blur of one image.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB; with a side below 24 there are too few frequencies and
        everything is 0.
    noise_variance
        Variance of the noise in luma, squared levels. White noise shows as a flat end of the
        spectrum and need not be given; JPEG clears that end and leaves noise below it.
    """
    height, width = image.shape[:2]
    if min(height, width) < 24:
        return BlurTrace(0.0, 0.0, 0.0)
    power = _power(image @ _LUMA)
    down = np.broadcast_to(np.fft.fftfreq(height)[:, None], power.shape)
    right = np.broadcast_to(np.fft.rfftfreq(width)[None], power.shape)
    radius = np.hypot(down, right)
    floor, highest = _floor(power, radius, noise_variance)
    lowest = _LOWEST / min(height, width)
    if power.max() <= floor:
        return BlurTrace(0.0, 0.0, 0.0)
    used = (radius > lowest) & (radius < max(highest, 4.0 * lowest))
    return _fitted(power[used], down[used], right[used], floor)


def _power(plane: Plane) -> Plane:
    """Return the power at half the plane's frequencies; white noise gives its variance there."""
    height, width = plane.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    centred = plane - (plane * window).sum() / window.sum()
    spectrum = np.fft.rfft2(centred * window)
    return np.asarray(np.square(np.abs(spectrum)) / np.square(window).sum())


def _floor(power: Plane, radius: Plane, noise: float) -> tuple[float, float]:
    """Return the power of the noise and the frequency where the image sinks to near it."""
    ring = np.minimum((radius * 2 * _RINGS).astype(np.int64), _RINGS)
    sums = np.bincount(ring.ravel(), np.log(power + 1e-9).ravel(), _RINGS + 1)
    # The mean logarithm of an exponential variable lies Euler's constant below that of its mean.
    profile = np.exp(sums / np.maximum(np.bincount(ring.ravel(), minlength=_RINGS + 1), 1))
    profile = profile[:_RINGS] * math.exp(np.euler_gamma)
    floor = max(_ROUNDING, noise, float(np.median(profile[-_RINGS // 8 :])))
    sunk = np.flatnonzero(profile < _ABOVE_FLOOR * floor)
    return floor, (sunk[0] if sunk.size else _RINGS) / (2.0 * _RINGS)


def _fitted(power: Plane, down: Plane, right: Plane, floor: float) -> BlurTrace:
    radius = np.hypot(down, right)
    fallen = np.log(np.maximum(power - floor, 0.05 * power + 1e-9)) + _FALL * np.log(radius)
    terms = np.stack([np.ones_like(radius), right**2, 2.0 * right * down, down**2], axis=1)
    weights = 1.0 / np.sqrt(radius)  # Rings count alike, though outer ones hold more frequencies.
    _, xx, xy, yy = np.linalg.lstsq(terms * weights[:, None], fallen * weights, rcond=None)[0]
    covariance = -np.array([[xx, xy], [xy, yy]]) / (4.0 * math.pi**2)
    (least, most), axes = np.linalg.eigh(covariance)
    # Rows count downwards, angles counter-clockwise.
    angle = math.degrees(math.atan2(-axes[1, 1], axes[0, 1])) % 180.0
    return BlurTrace(math.sqrt(max(most, 0.0)), math.sqrt(max(least, 0.0)), angle)
