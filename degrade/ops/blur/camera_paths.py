"""Paths of a moving camera, from plan parameters alone: what a plan records and a blur carries out.

Pure Python and portable, so that planning can say by how much a blur moves the image. It
must not know a pixel. Offsets are in pixels, (down, right).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from degrade.ops.operation import Value
from degrade.portable_math import (
    cos_degrees,
    exp,
    sin_degrees,
)
from degrade.random import philox4x32

_SEGMENTS = 32
_SIGNATURE = 0x7368616B
"""Key of the walks, "shak": they are no stream of a dataset, a path has one shape for ever."""


def camera_path(
    length: float, angle: float, bend: float, path: int
) -> tuple[tuple[float, float], ...]:
    """Return the 33 corners of a hand's path during one exposure, from (0, 0) on.

    The speed is even and the direction walks at random, so the path is smooth on the scale of
    its length: a worm-like chain (O. Kratky and G. Porod, Rec. Trav. Chim. 68, 1949), as
    random camera trajectories are drawn for deblurring (G. Boracchi and A. Foi, "Modeling the
    performance of image restoration from motion blur", IEEE TIP 21, 2012).

    Parameters
    ----------
    length
        Of the whole path, pixels.
    angle
        Direction at the start, degrees counter-clockwise from the horizontal.
    bend
        Standard deviation, in degrees, of the direction at the end from that at the start; 0
        is a straight line.
    path
        Number of the walk, 0 to 2**32 − 1: which of all the paths of this length and bend.
    """
    share, step = length / _SEGMENTS, bend / math.sqrt(_SEGMENTS)
    down = right = 0.0
    corners = [(0.0, 0.0)]
    for change in _changes(path):
        angle += step * change
        down -= share * sin_degrees(angle)
        right += share * cos_degrees(angle)
        corners.append((down, right))
    return tuple(corners)


def _changes(path: int) -> list[float]:
    """Return 32 changes of direction, uniform, mean 0 and standard deviation 1."""
    words = [
        word
        for block in range(_SEGMENTS // 4)
        for word in philox4x32((block, path, 0, 0), (_SIGNATURE, 0))
    ]
    root = math.sqrt(12.0)
    return [((word + 0.5) / 4294967296.0 - 0.5) * root for word in words]


def mean_offset(corners: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    """Return the mean place of an even motion along the corners, (down, right) in pixels."""
    count = len(corners) - 1
    middles = [((a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0) for a, b in itertools.pairwise(corners)]
    return (
        math.fsum(point[0] for point in middles) / count,
        math.fsum(point[1] for point in middles) / count,
    )


def one_sided_taps(
    radius: int, sigma: float, angle: float
) -> tuple[tuple[tuple[int, int], ...], tuple[float, ...]]:
    """Return the offsets (down, right) and weights of ImageMagick's motion blur.

    Half a Gaussian from the centre outwards at whole pixels, halves rounded down
    (ImageMagick, MagickCore/effect.c, MotionBlurImage and GetMotionBlurKernel; ImageNet-C
    calls it by Wand, imagecorruptions rebuilds it in ``_motion_blur``).

    Parameters
    ----------
    radius
        Taps beyond the first, half as many as asked for: there are ``2 * radius + 1``.
    sigma
        Of the half Gaussian, pixels.
    angle
        Degrees counter-clockwise; where the light comes from. ImageMagick counts clockwise.
    """
    count = 2 * radius + 1
    weights = [exp(max(-(i * i) / (2.0 * sigma * sigma), -690.0)) for i in range(count)]
    total = math.fsum(weights)
    down, right = -sin_degrees(angle), cos_degrees(angle)
    offsets = tuple((math.ceil(i * down - 0.5), math.ceil(i * right - 0.5)) for i in range(count))
    return offsets, tuple(weight / total for weight in weights)


def glass_shift(distance: int, iterations: int) -> float:
    """Return by how many pixels ImageNet-C's glass moves an image, down and to the right alike.

    A pixel takes the value at an offset of −d … d − 1, on the average −½, which was already
    moved itself with the probability p = (d − 1)(2d + 1) / 4d² that it lies ahead of the scan:
    a round moves by ½ + p · ½ + p² · ½ + … = ½ / (1 − p).
    """
    ahead = (distance - 1) * (2 * distance + 1) / (4.0 * distance * distance)
    return iterations * 0.5 / (1.0 - ahead)


def shake_offsets(parameters: Mapping[str, Value], size: object) -> dict[str, Value]:
    """Return the shift that `shake_blur` takes out of its path, as a plan records it."""
    length, angle, bend = (float(parameters[name]) for name in ("length", "angle", "bend"))
    down, right = mean_offset(camera_path(length, angle, bend, int(parameters["path"])))
    return {"removed_down": down, "removed_right": right}


def one_sided_offsets(parameters: Mapping[str, Value], size: object) -> dict[str, Value]:
    """Return by how much `one_sided_motion_blur` moves the image, as a plan records it."""
    sigma, angle = float(parameters["sigma"]), float(parameters["angle"])
    offsets, weights = one_sided_taps(int(parameters["radius"]), sigma, angle)
    # The image goes against the offsets that it is read at.
    down, right = (
        0.0 - math.fsum(w * o[axis] for o, w in zip(offsets, weights, strict=True))
        for axis in (0, 1)
    )
    return {"moved_down": down, "moved_right": right}


def glass_offsets(parameters: Mapping[str, Value], size: object) -> dict[str, Value]:
    """Return by how much `glass_blur` moves the image, as a plan records it."""
    moved = 0.0
    if parameters["exact"]:
        moved = glass_shift(int(parameters["distance"]), int(parameters["iterations"]))
    return {"moved_down": moved, "moved_right": moved}
