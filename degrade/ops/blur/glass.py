"""Glass: blur, pixels that change places, blur again. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.blur.blur import gaussian_blur
from degrade.ops.blur.correlate import correlate_separable
from degrade.ops.blur.glass_kernels import copied_from, gathered, swapped_from
from degrade.ops.blur.point_spread import gaussian_1d
from degrade.ops.kernels.borders import framed, unframed
from degrade.ops.kernels.levels import truncated
from degrade.ops.kernels.memory import PLANES

__all__ = ["glass_blur"]

Planes = NDArray[np.float32]


def glass_blur(
    planes: Planes,
    stream: NDArray[np.uint32],
    *,
    sigma: float,
    distance: int,
    iterations: int,
    exact: bool,
    moved_down: float = 0.0,
    moved_right: float = 0.0,
) -> Planes:
    """Return the planes as through frosted glass.

    Parameters
    ----------
    sigma
        Of the Gaussian blur before and after, pixels.
    distance
        How far a pixel may go in one round along each axis, pixels.
    iterations
        Rounds.
    exact
        ImageNet-C's arithmetic: levels truncated to 8 bits after the first blur, borders that
        repeat, kernels of 4 sigma, and the "swap" that copies and pulls the picture down and
        to the right. False swaps truly, each pixel once a round at most, and moves nothing.
    moved_down, moved_right
        Recorded by the plan: the mean shift of ``exact``, pixels. Changes nothing.
    """
    blurred = _blurred_with_repeated_border if exact else _blurred
    soft = blurred(planes, float(sigma))
    if exact:
        soft = truncated(soft, PLANES.take(soft.shape))
    _, height, width = planes.shape
    shuffle = copied_from if exact else swapped_from
    origins = shuffle(height, width, distance, iterations, stream)
    shuffled = gathered(soft, origins, PLANES.take(soft.shape))
    return blurred(shuffled, float(sigma))


def _blurred(planes: Planes, sigma: float) -> Planes:
    return gaussian_blur(planes, None, sigma_x=sigma, sigma_y=sigma, angle=0.0, kernel_size=0)


def _blurred_with_repeated_border(planes: Planes, sigma: float) -> Planes:
    """Return skimage.filters.gaussian: mode nearest, cut at 4 sigma."""
    radius = int(4.0 * sigma + 0.5)
    if radius == 0:
        return planes
    side = gaussian_1d(sigma, radius).astype(np.float32)
    channels, height, width = planes.shape
    shape = channels, height + 2 * radius, width + 2 * radius
    wide = framed(planes, radius, PLANES.take(shape))
    done = correlate_separable(wide, side, side, PLANES.take(shape))
    result = unframed(done, radius, PLANES.take(planes.shape))
    PLANES.give(wide)
    PLANES.give(done)
    return result
