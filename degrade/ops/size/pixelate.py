"""Pixelation. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.memory import PLANES
from degrade.ops.size.pixelate_kernels import pixelate as _pixelate

__all__ = ["pixelate"]


def pixelate(planes: NDArray[np.float32], stream: object, *, block: int) -> NDArray[np.float32]:
    """Return the planes with each ``block`` × ``block`` square set to its mean."""
    return _pixelate(planes, block, PLANES.take(planes.shape))
