"""Resizing in linear light, as a lens shrinks; `resize` works on levels. Planes in and out."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.memory import PLANES
from degrade.ops.size.light import from_light, light_tables, to_light
from degrade.ops.size.resize import resize

__all__ = ["cached_light_tables", "resize_linear_light"]

Planes = NDArray[np.float32]


@cache
def cached_light_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return `degrade.ops.size.light.light_tables`, made once."""
    return light_tables()


def resize_linear_light(
    planes: Planes, stream: object, *, height: int, width: int, filter: str, antialias: bool
) -> Planes:
    """Return the planes at ``(height, width)``, filtered on the sRGB curve's linear light."""
    if planes.shape[1:] == (height, width):
        return planes
    light, levels = cached_light_tables()
    bright = to_light(planes, light, PLANES.take(planes.shape))
    done = resize(bright, stream, height=height, width=width, filter=filter, antialias=antialias)
    PLANES.give(bright)
    return from_light(done, levels, done)
