"""Find the screen of a printed photograph: peaks of the spectrum that stand in the whole of it.

A screen repeats at one frequency all over the print, so that its power in a mean of logarithmic
spectra of many blocks (P. Welch, IEEE Trans. Audio and Electroacoustics 15, 1967) stands alone;
stripes of a shirt stand in few blocks, edges are streaks. Thresholds were set on 3,000 sharp
faces, in which nothing is to be found, and sixty scans.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Screen", "find_screen"]

Plane = NDArray[np.float32]

_SIDES = ((600, 256), (256, 128), (64, 64))
"""A picture's shorter side from which on blocks of the second number of pixels are read."""
_MOST = 9
"""Blocks a side: more tell no more."""
_FEWEST = 3
_ALIVE = 0.5
"""Squared levels of fine power that a block must have: white paper tells nothing."""
_FINE = 0.1
"""Cycles per pixel from which on power is fine."""
_ROUNDING = 0.04
"""Squared levels, half of rounding's 1/12: keeps the logarithm of flat blocks finite."""

_LOWEST, _PERIODS = 6, 24
"""Cycles within a block, and within the picture's shorter side, of a screen at least: what is
coarser is the picture."""
_STEPS = 16.0
"""Steps of a unit of the logarithm in the rounded spectrum whose median is taken."""
_AROUND = 13
"""Bins whose median is the ground."""

_FAINT = (1.0, 0.8, 0.0)
_CLEAR = (1.6, 1.4, 0.55)
_STRONG = (3.2, 3.0, 0.8)
"""Natural logarithm of the power over its ground, and over what lies nearer and farther in the
same direction, and share of the blocks, of: a harmonic; one of the two directions of a screen;
a peak that is believed alone."""
_FIRST = 2.0
"""Logarithm of the power that the stronger of two directions has at least."""
_CROSSED, _ALIKE = 0.64, 1.6
"""Least sine of the angle between two directions (40°), and most ratio of their frequencies."""
_HARMONICS = 0.7
"""Of the screen's frequency: below, no peak belongs to it."""
_OWN = 2.5
"""Logarithm of a peak's power over its surroundings that counts for one block: noise reaches
it in 0.5 %."""
_JPEG = 16
"""Pixels of a block of halved chroma: its harmonics on the axes are left to deblocking."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Frequencies at which a print repeats."""

    frequency: float  # the lowest that is clear, cycles per pixel
    power: float  # of its strongest peak: natural logarithm, over its ground
    # float64 (n, 2): down and across, cycles per pixel; one of each pair of opposites
    peaks: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Peak:
    down: float
    across: float
    power: float  # natural logarithm, over the ground
    apart: float  # natural logarithm, over what lies nearer and farther
    share: float  # of the blocks in which it stands

    @property
    def frequency(self) -> float:
        return float(np.hypot(self.down, self.across))

    @property
    def on_axis(self) -> bool:
        return self.down == 0.0 or self.across == 0.0

    def is_least(self, least: tuple[float, float, float]) -> bool:
        return self.power >= least[0] and self.apart >= least[1] and self.share >= least[2]


def find_screen(plane: Plane) -> Screen | None:
    """Return the screen of a plane, None where there is none that is certain.

    Parameters
    ----------
    plane
        float32 (height, width), levels 0-255.
    """
    block = next((size for side, size in _SIDES if min(plane.shape) >= side), 0)
    if not block:
        return None
    spectra = _log_spectra(plane, block)
    if len(spectra) < _FEWEST:
        return None
    lowest = max(_LOWEST / block, _PERIODS / min(plane.shape))
    peaks = [peak for peak in _peaks(spectra, lowest) if not _of_jpeg(peak, block)]
    if not _is_screen(peaks):
        return None
    frequency = min(peak.frequency for peak in peaks if peak.is_least(_CLEAR))
    belong = [
        (peak.down, peak.across)
        for peak in peaks
        if peak.is_least(_FAINT)
        and peak.frequency >= _HARMONICS * frequency
        and (not peak.on_axis or peak.share >= _CLEAR[2])
    ]
    return Screen(frequency, max(peak.power for peak in peaks), np.array(belong))


def _is_screen(peaks: list[_Peak]) -> bool:
    """Return whether one peak is beyond doubt, or two of like frequency cross."""
    if any(peak.is_least(_STRONG) for peak in peaks):
        return True
    # What lies on an axis exactly was made by a computer, such as enlarged blocks of JPEG.
    clear = [peak for peak in peaks if peak.is_least(_CLEAR) and not peak.on_axis]
    return any(_cross(one, other) for one, other in combinations(clear, 2))


def _cross(one: _Peak, other: _Peak) -> bool:
    ratio = one.frequency / other.frequency
    area = abs(one.down * other.across - one.across * other.down)
    return (
        max(one.power, other.power) >= _FIRST
        and 1.0 / _ALIKE <= ratio <= _ALIKE
        and area >= _CROSSED * one.frequency * other.frequency
    )


def _of_jpeg(peak: _Peak, block: int) -> bool:
    harmonic = max(abs(peak.down), abs(peak.across)) * _JPEG
    return peak.on_axis and abs(harmonic - round(harmonic)) < _JPEG / block


def _log_spectra(plane: Plane, block: int) -> NDArray[np.float32]:
    """Return the centred logarithmic power spectra of the blocks that hold fine detail."""
    window = _hann(block)
    rows, columns = (_starts(side, block) for side in plane.shape)
    blocks = np.stack([plane[y : y + block, x : x + block] for y in rows for x in columns])
    blocks = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * window
    amplitudes = np.fft.fftshift(np.fft.fft2(blocks), axes=(1, 2))
    power = np.square(np.abs(amplitudes)) / np.square(window).sum()
    fine = power[:, _distance(block) > _FINE * block].mean(axis=1)
    return np.asarray(np.log(power[fine > _ALIVE] + _ROUNDING), np.float32)


def _hann(side: int) -> Plane:
    window = np.hanning(side + 1)[:side].astype(np.float32)
    return np.outer(window, window)


def _starts(side: int, block: int) -> NDArray[np.int64]:
    count = min(_MOST, -(-(side - block) // (block // 2)) + 1)
    return np.unique(np.rint(np.linspace(0, side - block, count)).astype(np.int64))


def _distance(block: int) -> NDArray[np.float64]:
    """Return each bin's distance from the mean, bins."""
    steps = np.arange(block) - block // 2
    return np.hypot(steps[:, None], steps)


def _peaks(spectra: NDArray[np.float32], lowest: float) -> list[_Peak]:
    """Return the local maxima over the ground, one of each pair of opposites."""
    mean = spectra.mean(axis=0)
    block, centre = len(mean), len(mean) // 2
    over = mean - _ground(mean)
    highest = cv2.dilate(np.pad(over, 2, mode="wrap"), np.ones((5, 5), np.uint8))[2:-2, 2:-2]
    found = (over >= highest) & (over > _FAINT[0]) & (_distance(block) >= lowest * block)
    peaks = []
    for y, x in np.argwhere(found):
        down, across = int(y) - centre, int(x) - centre
        if down < 0 or (down == 0 and across < 0):
            continue
        power, apart = float(over[y, x]), float(mean[y, x]) - _along(mean, down, across)
        share = _share(spectra, y, x)
        peaks.append(_Peak(down / block, across / block, power, apart, share))
    return peaks


def _ground(mean: Plane) -> Plane:
    """Return the larger of the median around each bin and that at its distance."""
    low = float(mean.min())
    # OpenCV takes large medians of bytes only.
    rounded = np.clip((mean - low) * _STEPS, 0, 255).astype(np.uint8)
    padded = np.pad(rounded, _AROUND, mode="wrap")
    around = cv2.medianBlur(padded, _AROUND)[_AROUND:-_AROUND, _AROUND:-_AROUND]
    ring = np.rint(_distance(len(mean))).astype(np.int64)
    radial = np.array([np.median(mean[ring == radius]) for radius in range(ring.max() + 1)])
    return np.asarray(np.maximum(around / np.float32(_STEPS) + low, radial[ring]), np.float32)


def _along(mean: Plane, down: int, across: int) -> float:
    """Return the mean some bins nearer and farther in a direction, where a streak goes on."""
    steps = np.array([-6, -5, -4, 4, 5, 6]) / np.hypot(down, across)
    block, centre = len(mean), len(mean) // 2
    rows = np.rint(centre + down * (1.0 + steps)).astype(np.int64) % block
    columns = np.rint(centre + across * (1.0 + steps)).astype(np.int64) % block
    return float(mean[rows, columns].mean())


_STEPS_AROUND = np.mgrid[-6:7, -6:7].reshape(2, -1)
_RING = _STEPS_AROUND[:, (np.hypot(*_STEPS_AROUND) >= 4.0) & (np.hypot(*_STEPS_AROUND) <= 6.0)]
_NEXT = np.mgrid[-1:2, -1:2].reshape(2, -1)


def _share(spectra: NDArray[np.float32], y: int, x: int) -> float:
    """Return the share of the blocks in which a peak stands over the bins around it."""
    block = spectra.shape[1]
    own = spectra[:, (y + _NEXT[0]) % block, (x + _NEXT[1]) % block].max(axis=1)
    usual = np.median(spectra[:, (y + _RING[0]) % block, (x + _RING[1]) % block], axis=1)
    return float(np.mean(own - usual > _OWN))
