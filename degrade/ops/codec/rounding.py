"""Quantisation to 8 bits in the middle of a recipe, where a published one does it."""

from __future__ import annotations

from degrade.ops.kernels.arrays import Planes
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.planes import round_levels, truncated


def round_to_levels(planes: Planes, stream: object) -> Planes:
    """Return the planes rounded to whole levels 0-255, halves to even."""
    return round_levels(planes)


def truncate(planes: Planes, stream: object) -> Planes:
    """Return the planes cut to the whole level below, 0-255, as ``numpy.uint8(x)`` does.

    ImageNet-C saves its corruptions so (make_imagenet_c.py:119); half a level of light is lost.
    """
    return truncated(planes, PLANES.take(planes.shape))
