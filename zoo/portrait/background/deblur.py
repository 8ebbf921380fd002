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

from degrade.fit.blur import BlurTrace

__all__ = ["FALL", "Blur", "deblur"]

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
    """What is undone.

    Attributes
    ----------
    trace
        The blur of the photo.
    detail
        Power of the sharp picture at 1 cycle a pixel, squared levels: its power at f cycles is
        ``detail * f ** -3.2``.
    noise
        Variance of what is left of noise, squared levels.
    """

    trace: BlurTrace
    detail: float
    noise: float

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
