"""sRGB levels to linear light and back, and resizing in linear light, as a lens shrinks.

Interpolated tables of the standard's curve. Linear light is held on the scale 0-255 too, so that
what clips levels clips it alike.
IEC 61966-2-1: c <= 0.04045 is c / 12.92, above it ((c + 0.055) / 1.055) ** 2.4.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from degrade import portable_math
from degrade.ops.kernels.arrays import Float32, Planes
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.size.resize import resize


@cache
def cached_light_tables() -> tuple[Float32, Float32]:
    """Return `degrade.ops.size.linear_light.light_tables`, made once."""
    return light_tables()


def resize_linear_light(
    planes: Planes, stream: object, *, height: int, width: int, filter: str, antialias: bool
) -> Planes:
    """Return the planes at ``(height, width)``, filtered on the sRGB curve's linear light."""
    if planes.shape[1:] == (height, width):
        return planes
    light, levels = cached_light_tables()
    bright = to_light(planes, light, PLANES.take(planes.shape))
    resized = resize(bright, stream, height=height, width=width, filter=filter, antialias=antialias)
    PLANES.give(bright)
    return from_light(resized, levels, resized)


_exp = inline(portable_math.exp)
_log = inline(portable_math.log)

_FINE = 16
"""Nodes for each level; linear interpolation is within 3e-5 of the curve's 0-255."""
_NODES = 16384
"""Nodes of the way back; within 2e-3 levels of the curve."""


@kernel
def light_tables() -> tuple[Float32, Float32]:
    """Return ``(light, levels)``: the curve at even steps of the level, and of the light."""
    light = np.empty(255 * _FINE + 2, np.float32)
    for i in range(light.size):
        c = i / (255.0 * _FINE)
        if c <= 0.04045:
            light[i] = 255.0 * (c / 12.92)
        else:
            light[i] = 255.0 * _exp(2.4 * _log((c + 0.055) / 1.055))
    levels = np.empty(_NODES + 2, np.float32)
    for i in range(levels.size):
        x = i / float(_NODES)
        if x <= 0.0031308:
            levels[i] = 255.0 * (12.92 * x)
        else:
            levels[i] = 255.0 * (1.055 * _exp(_log(x) / 2.4) - 0.055)
    return light, levels


@inline
def _looked_up(table: Float32, position: np.float32) -> np.float32:
    index = np.int32(position)
    share = position - np.float32(index)
    return np.float32(table[index] + share * (table[index + 1] - table[index]))


@inline
def _mapped(planes: Float32, table: Float32, result: Float32) -> Float32:
    source, target = planes.reshape(-1), result.reshape(-1)
    scale = np.float32((table.size - 2) / 255.0)
    for i in range(source.size):
        level = min(max(source[i], np.float32(0.0)), np.float32(255.0))
        position = min(level * scale, np.float32(table.size - 2))
        target[i] = min(_looked_up(table, position), np.float32(255.0))
    return result


@kernel
def to_light(planes: Float32, light: Float32, result: Float32) -> Float32:
    """Return levels 0-255 as linear light 0-255; ``light`` is from `light_tables`.

    ``result`` is written into; it may be the planes themselves.
    """
    return _mapped(planes, light, result)


@kernel
def from_light(planes: Float32, levels: Float32, result: Float32) -> Float32:
    """Return linear light 0-255 as levels 0-255; ``levels`` is from `light_tables`.

    ``result`` is written into; it may be the planes themselves.
    """
    return _mapped(planes, levels, result)
