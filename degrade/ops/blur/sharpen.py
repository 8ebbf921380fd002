"""Sharpening, which Real-ESRGAN's truth goes through. Planes in and out."""

from __future__ import annotations

import numpy as np

from degrade.ops.blur.correlate import correlate_separable
from degrade.ops.blur.point_spread import gaussian_1d
from degrade.ops.kernels.arrays import Float32, Planes
from degrade.ops.kernels.compile import kernel
from degrade.ops.kernels.memory import PLANES

_NARROW = {
    1: (1.0,),
    3: (0.25, 0.5, 0.25),
    5: (0.0625, 0.25, 0.375, 0.25, 0.0625),
    7: (0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125),
    9: tuple(n / 256.0 for n in (4, 13, 30, 51, 60, 51, 30, 13, 4)),
}
"""OpenCV's fixed kernels for these widths, modules/imgproc/src/smooth.dispatch.cpp."""


def unsharp_mask(
    planes: Planes, stream: object, *, radius: int, amount: float, threshold: float
) -> Planes:
    """Return the planes sharpened where they differ from their blur; elsewhere they stay.

    BasicSR's usm_sharp (basicsr/utils/img_process_util.py): the places where the difference
    exceeds the threshold are blurred by the same Gaussian into a soft mask.

    Parameters
    ----------
    radius
        As BasicSR calls the *width* of the Gaussian's kernel, pixels; an even one is taken
        one larger.
    amount
        How much of the difference is added.
    threshold
        Least difference, levels.
    """
    side = _opencv_gaussian(radius | 1)
    blurred, mask, soft = (PLANES.take(planes.shape) for _ in range(3))
    correlate_separable(planes, side, side, blurred)
    residual_mask(planes, blurred, float(threshold), mask)
    correlate_separable(mask, side, side, soft)
    sharpened = blend_sharpened(planes, blurred, soft, float(amount), mask)
    PLANES.give(blurred)
    PLANES.give(soft)
    return sharpened


def _opencv_gaussian(width: int) -> Float32:
    """Return the taps that OpenCV's getGaussianKernel has for a width alone."""
    if width in _NARROW:
        return np.array(_NARROW[width], np.float32)
    return gaussian_1d(0.3 * ((width - 1) * 0.5 - 1.0) + 0.8, width // 2).astype(np.float32)


@kernel
def residual_mask(planes: Float32, blurred: Float32, threshold: float, result: Float32) -> Float32:
    """Return 1 where a level differs from its blurred one by more than ``threshold``, else 0."""
    source, soft, target = planes.reshape(-1), blurred.reshape(-1), result.reshape(-1)
    least = np.float32(threshold)
    for i in range(source.size):
        over = abs(source[i] - soft[i]) > least
        target[i] = np.float32(1.0) if over else np.float32(0.0)
    return result


@kernel
def blend_sharpened(
    planes: Float32, blurred: Float32, mask: Float32, amount: float, result: Float32
) -> Float32:
    """Return ``mask * clip(x + amount * (x − blurred)) + (1 − mask) * x``, levels 0-255."""
    source, soft, target = planes.reshape(-1), blurred.reshape(-1), result.reshape(-1)
    share = mask.reshape(-1)
    weight = np.float32(amount)
    for i in range(source.size):
        level = source[i]
        sharp = level + weight * (level - soft[i])
        sharp = min(max(sharp, np.float32(0.0)), np.float32(255.0))
        # The mask is a weighted mean of 0 and 1: rounding may take it a hair past 1.
        weight_here = min(share[i], np.float32(1.0))
        target[i] = weight_here * sharp + (np.float32(1.0) - weight_here) * level
    return result
