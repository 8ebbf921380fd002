"""Levels one by one: truncation, haze, and the blend of an unsharp mask."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import kernel

__all__ = ["blend_sharpened", "mixed_with_level", "residual_mask", "truncated"]


@kernel
def truncated(planes: NDArray[np.float32], result: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the planes with every level cut to the whole one below, 0-255."""
    source, target = planes.reshape(-1), result.reshape(-1)
    for i in range(source.size):
        target[i] = math.floor(min(max(source[i], np.float32(0.0)), np.float32(255.0)))
    return result


@kernel
def mixed_with_level(
    planes: NDArray[np.float32], share: float, level: float, result: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return ``share * planes + (1 − share) * level``."""
    source, target = planes.reshape(-1), result.reshape(-1)
    gain, offset = np.float32(share), np.float32((1.0 - share) * level)
    for i in range(source.size):
        target[i] = min(max(gain * source[i] + offset, np.float32(0.0)), np.float32(255.0))
    return result


@kernel
def residual_mask(
    planes: NDArray[np.float32],
    blurred: NDArray[np.float32],
    threshold: float,
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return 1 where a level differs from its blurred one by more than ``threshold``, else 0."""
    source, soft, target = planes.reshape(-1), blurred.reshape(-1), result.reshape(-1)
    least = np.float32(threshold)
    for i in range(source.size):
        over = abs(source[i] - soft[i]) > least
        target[i] = np.float32(1.0) if over else np.float32(0.0)
    return result


@kernel
def blend_sharpened(
    planes: NDArray[np.float32],
    blurred: NDArray[np.float32],
    mask: NDArray[np.float32],
    amount: float,
    result: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return ``mask * clip(x + amount * (x − blurred)) + (1 − mask) * x``, levels 0-255."""
    source, soft, target = planes.reshape(-1), blurred.reshape(-1), result.reshape(-1)
    share = mask.reshape(-1)
    weight = np.float32(amount)
    for i in range(source.size):
        level = source[i]
        sharp = level + weight * (level - soft[i])
        sharp = min(max(sharp, np.float32(0.0)), np.float32(255.0))
        # The mask is a weighted mean of 0 and 1: rounding may take it a hair past 1.
        kept = min(share[i], np.float32(1.0))
        target[i] = kept * sharp + (np.float32(1.0) - kept) * level
    return result
