"""JPEG there and back, the same bytes as libjpeg-turbo's and on any machine. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.codec.jpeg_kernels import round_trip_planes

__all__ = ["jpeg"]


def jpeg(
    planes: NDArray[np.float32], stream: object, *, quality: int, subsampling: str
) -> NDArray[np.float32]:
    """Return the planes after JPEG at ``quality`` 1-100; levels are rounded to 8 bits first."""
    return round_trip_planes(planes, quality=quality, subsampling=subsampling)
