"""Resizing, for good or there and back. Planes in and out; levels are clipped to 0-255."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.memory import PLANES
from degrade.ops.size.resample import FILTERS, resample, resample_table

__all__ = ["resize", "resize_blur"]

Planes = NDArray[np.float32]


def resize(
    planes: Planes, stream: object, *, height: int, width: int, filter: str, antialias: bool
) -> Planes:
    """Return the planes at ``(height, width)``.

    ``linear`` and ``cubic`` without antialias are OpenCV's INTER_LINEAR and INTER_CUBIC.
    """
    if planes.shape[1:] == (height, width):
        return planes
    code = FILTERS.index(filter)
    rows = resample_table(code, planes.shape[1], height, antialias)
    columns = resample_table(code, planes.shape[2], width, antialias)
    result = PLANES.take((planes.shape[0], height, width))
    resized = resample(planes, *rows, *columns, result)
    if filter in ("cubic", "lanczos3"):
        np.clip(resized, 0.0, 255.0, out=resized)
    return resized


def resize_blur(
    planes: Planes, stream: object, *, height: int, width: int, down: str, up: str
) -> Planes:
    """Return the planes shrunk to ``(height, width)`` and enlarged back to their own size."""
    small = resize(planes, stream, height=height, width=width, filter=down, antialias=True)
    full_height, full_width = planes.shape[1:]
    back = resize(small, stream, height=full_height, width=full_width, filter=up, antialias=False)
    if back is not small:
        PLANES.give(small)
    return back
