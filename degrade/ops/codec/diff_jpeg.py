"""BasicSR's DiffJPEG. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.codec.diff_jpeg_kernels import cosines, float_steps, round_trip_floating
from degrade.ops.kernels.memory import PLANES

__all__ = ["diff_jpeg"]

Planes = NDArray[np.float32]


def diff_jpeg(planes: Planes, stream: object, *, quality: float) -> Planes:
    """Return the planes after DiffJPEG at a real ``quality`` of 1-99; nothing is rounded.

    See `degrade.ops.codec.diff_jpeg_kernels` for how it differs from JPEG; `jpeg` is the real one.
    """
    result = PLANES.take(planes.shape)
    return round_trip_floating(planes, float_steps(float(quality)), cosines(), result)
