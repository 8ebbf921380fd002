"""Colour changes on (3, H, W) planes: shift, grey, brightness, contrast, saturation, hue.

Formulas are torchvision's ``transforms/functional_tensor.py`` (adjust_brightness and so on),
which the published face recipes call, on levels 0-255 instead of 0-1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import inline, kernel

__all__ = ["adjust_hue", "blend_grey", "blend_level", "luma", "shift_channels"]


@inline
def _clipped(level: np.float32) -> np.float32:
    return min(max(level, np.float32(0.0)), np.float32(255.0))


@kernel
def shift_channels(planes: NDArray[np.float32], shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each channel plus its own shift, levels, clipped."""
    result = np.empty_like(planes)
    for c in range(planes.shape[0]):
        source, target = planes[c].reshape(-1), result[c].reshape(-1)
        for i in range(source.size):
            target[i] = _clipped(source[i] + shifts[c])
    return result


@kernel
def luma(planes: NDArray[np.float32], red: float, green: float, blue: float) -> NDArray[np.float32]:
    """Return (H, W) ``red R + green G + blue B``."""
    _, height, width = planes.shape
    grey = np.empty((height, width), np.float32)
    r, g, b = np.float32(red), np.float32(green), np.float32(blue)
    for y in range(height):
        for x in range(width):
            grey[y, x] = (r * planes[0, y, x] + g * planes[1, y, x]) + b * planes[2, y, x]
    return grey


@kernel
def blend_level(planes: NDArray[np.float32], level: float, factor: float) -> NDArray[np.float32]:
    """Return ``factor * planes + (1 - factor) * level``, clipped: brightness and contrast."""
    result = np.empty_like(planes)
    source, target = planes.reshape(-1), result.reshape(-1)
    gain, offset = np.float32(factor), np.float32((1.0 - factor) * level)
    for i in range(source.size):
        target[i] = _clipped(gain * source[i] + offset)
    return result


@kernel
def blend_grey(
    planes: NDArray[np.float32], grey: NDArray[np.float32], factor: float
) -> NDArray[np.float32]:
    """Return ``factor * planes + (1 - factor) * grey``, clipped: saturation."""
    result = np.empty_like(planes)
    gain, rest = np.float32(factor), np.float32(1.0 - factor)
    _, height, width = planes.shape
    for c in range(planes.shape[0]):
        for y in range(height):
            for x in range(width):
                result[c, y, x] = _clipped(gain * planes[c, y, x] + rest * grey[y, x])
    return result


@kernel
def adjust_hue(planes: NDArray[np.float32], turn: float) -> NDArray[np.float32]:
    """Return the planes with the HSV hue moved by ``turn`` of a full circle, -0.5 to 0.5."""
    result = np.empty_like(planes)
    red, green, blue = planes[0].reshape(-1), planes[1].reshape(-1), planes[2].reshape(-1)
    for c in range(3):
        target, first = result[c].reshape(-1), 5.0 - 2.0 * c
        # Choices, no branches: the compiler then works on several pixels at once.
        for i in range(target.size):
            r, g, b = float(red[i]), float(green[i]), float(blue[i])
            most, least = max(r, g, b), min(r, g, b)
            spread = most - least
            apart = g - b if most == r else (b - r if most == g else r - g)
            third = 0.0 if most == r else (2.0 if most == g else 4.0)
            # A grey pixel has no hue: it keeps its level whatever stands here.
            hue = (third + apart / (spread if spread > 0.0 else np.float32(1.0))) / 6.0 + turn
            # Channel = V - S V max(0, min(k, 4 - k, 1)), k = (n + h) mod 6, n = 5, 3, 1.
            turned = first + (hue - np.floor(hue)) * 6.0
            k = turned - 6.0 if turned >= 6.0 else turned
            share = max(0.0, min(min(k, 4.0 - k), 1.0))
            target[i] = np.float32(most - spread * share)
    return result
