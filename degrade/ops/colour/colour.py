"""Colour and light: shift, jitter, grey, haze, on (3, H, W) planes clipped to 0-255.

Formulas of the jitter are torchvision's ``transforms/functional_tensor.py`` (adjust_brightness and
so on), which the published face recipes call, on levels 0-255 instead of 0-1.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from degrade.ops.kernels.arrays import Float32, Planes
from degrade.ops.kernels.compile import kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import clipped

_LUMA_TENSOR = (0.2989, 0.587, 0.114)
"""torchvision ``rgb_to_grayscale``."""
_LUMA_BT601 = (0.299, 0.587, 0.114)
"""ITU-R BT.601, OpenCV's COLOR_RGB2GRAY."""
_ORDERS = tuple(itertools.permutations(("brightness", "contrast", "saturation", "hue")))


def colour_shift(
    planes: Planes, stream: object, *, red: float, green: float, blue: float
) -> Planes:
    """Return each channel plus its own constant, in levels."""
    return shift_channels(planes, np.array([red, green, blue], np.float32))


def colour_jitter(
    planes: Planes,
    stream: object,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    order: int,
) -> Planes:
    """Return the planes after four changes, in the ``order``-th permutation of their names.

    Factors multiply (1 changes nothing); ``hue`` is in turns of the circle.
    """
    factors = {
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "hue": hue,
    }
    for change in _ORDERS[order]:
        planes = _changed(planes, change, float(factors[change]))
    return planes


def _changed(planes: Planes, change: str, factor: float) -> Planes:
    if change == "brightness":
        return blend_level(planes, 0.0, factor)
    if change == "hue":
        return adjust_hue(planes, factor)
    grey_levels = luma(planes, *_LUMA_TENSOR)
    if change == "contrast":
        # Row by row in float64: the order of the sum, and so its last bit, is fixed. (The
        # built-in sum of floats rounds otherwise from Python 3.12 on; fsum is exact.)
        mean = math.fsum(np.add.accumulate(grey_levels, axis=1, dtype=np.float64)[:, -1])
        return blend_level(planes, mean / grey_levels.size, factor)
    return blend_grey(planes, grey_levels, factor)


def grey(planes: Planes, stream: object) -> Planes:
    """Return three equal channels: BT.601 luma, 0.299 R + 0.587 G + 0.114 B."""
    grey_levels = luma(planes, *_LUMA_BT601)
    return np.ascontiguousarray(np.broadcast_to(grey_levels, planes.shape))


def haze(planes: Float32, stream: object, *, alpha: float, level: float) -> Float32:
    """Return ``alpha * planes + (1 − alpha) * level``: an even haze of that level.

    RestoreFormer++, ffhq_uneven_degradation_dataset.py, "simple hazy", with level 255.
    """
    return mixed_with_level(planes, float(alpha), float(level), PLANES.take(planes.shape))


@kernel
def shift_channels(planes: Float32, shifts: Float32) -> Float32:
    """Return each channel plus its own shift, levels, clipped."""
    result = np.empty_like(planes)
    for c in range(planes.shape[0]):
        source, target = planes[c].reshape(-1), result[c].reshape(-1)
        for i in range(source.size):
            target[i] = clipped(source[i] + shifts[c])
    return result


@kernel
def luma(planes: Float32, red: float, green: float, blue: float) -> Float32:
    """Return (H, W) ``red R + green G + blue B``."""
    _, height, width = planes.shape
    grey = np.empty((height, width), np.float32)
    r, g, b = np.float32(red), np.float32(green), np.float32(blue)
    for y in range(height):
        for x in range(width):
            grey[y, x] = (r * planes[0, y, x] + g * planes[1, y, x]) + b * planes[2, y, x]
    return grey


@kernel
def blend_level(planes: Float32, level: float, factor: float) -> Float32:
    """Return ``factor * planes + (1 - factor) * level``, clipped: brightness and contrast."""
    result = np.empty_like(planes)
    source, target = planes.reshape(-1), result.reshape(-1)
    gain, offset = np.float32(factor), np.float32((1.0 - factor) * level)
    for i in range(source.size):
        target[i] = clipped(gain * source[i] + offset)
    return result


@kernel
def blend_grey(planes: Float32, grey: Float32, factor: float) -> Float32:
    """Return ``factor * planes + (1 - factor) * grey``, clipped: saturation."""
    result = np.empty_like(planes)
    gain, rest = np.float32(factor), np.float32(1.0 - factor)
    _, height, width = planes.shape
    for c in range(planes.shape[0]):
        for y in range(height):
            for x in range(width):
                result[c, y, x] = clipped(gain * planes[c, y, x] + rest * grey[y, x])
    return result


@kernel
def adjust_hue(planes: Float32, turn: float) -> Float32:
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


@kernel
def mixed_with_level(planes: Float32, share: float, level: float, result: Float32) -> Float32:
    """Return ``share * planes + (1 − share) * level``."""
    source, target = planes.reshape(-1), result.reshape(-1)
    gain, offset = np.float32(share), np.float32((1.0 - share) * level)
    for i in range(source.size):
        target[i] = min(max(gain * source[i] + offset, np.float32(0.0)), np.float32(255.0))
    return result
