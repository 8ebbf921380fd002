"""Colour: shift, jitter, grey. Planes in and out, clipped to 0-255."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from degrade.ops.colour import colour_kernels as kernels

__all__ = ["colour_jitter", "colour_shift", "grey"]

Planes = NDArray[np.float32]

_LUMA_TENSOR = (0.2989, 0.587, 0.114)
"""torchvision ``rgb_to_grayscale``."""
_LUMA_BT601 = (0.299, 0.587, 0.114)
"""ITU-R BT.601, OpenCV's COLOR_RGB2GRAY."""
_ORDERS = tuple(itertools.permutations(("brightness", "contrast", "saturation", "hue")))


def colour_shift(
    planes: Planes, stream: object, *, red: float, green: float, blue: float
) -> Planes:
    """Return each channel plus its own constant, in levels."""
    return kernels.shift_channels(planes, np.array([red, green, blue], np.float32))


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
        return kernels.blend_level(planes, 0.0, factor)
    if change == "hue":
        return kernels.adjust_hue(planes, factor)
    luma = kernels.luma(planes, *_LUMA_TENSOR)
    if change == "contrast":
        # Row by row in float64: the order of the sum, and so its last bit, is fixed. (The
        # built-in sum of floats rounds otherwise from Python 3.12 on; fsum is exact.)
        mean = math.fsum(np.add.accumulate(luma, axis=1, dtype=np.float64)[:, -1])
        return kernels.blend_level(planes, mean / luma.size, factor)
    return kernels.blend_grey(planes, luma, factor)


def grey(planes: Planes, stream: object) -> Planes:
    """Return three equal channels: BT.601 luma, 0.299 R + 0.587 G + 0.114 B."""
    luma = kernels.luma(planes, *_LUMA_BT601)
    return np.ascontiguousarray(np.broadcast_to(luma, (planes.shape[0], *luma.shape)))
