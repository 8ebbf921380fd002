"""How much of a face's change each pixel of its crop takes: all inside, none at the contour.

The feather is as wide as the change asks. Where a restorer shifts the tone by n levels, the
weight falls over n photo pixels or a little more, so that the shift fades by no more than a
level a pixel and leaves no line; where it shifts nothing the weight falls within a few pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Feather", "face_region", "feathered", "tone_shift"]

_FACE = (1, 2, 3, 4, 5, 6, 7, 10, 11, 12)
"""skin, nose, eye_g, l_eye, r_eye, l_brow, r_brow, mouth, u_lip, l_lip: their places in
`zoo.portrait.parse.parsing.LABELS`."""
_HAIR = 13
_STEEPEST = 0.95
"""Levels a photo pixel that a tone shift may fade by; what is left of 1 is for rounding."""
_ROUNDED = 0.1
"""Share of the ramp, at each end, over which its slope grows from 0 to the full one."""
_PEAK = 1.0 / (1.0 - _ROUNDED)
"""The steepest slope of the ramp, times its width."""
_LEAST_SHARE, _LEAST_PIXELS = 0.06, 3.0
"""The narrowest feather: a share of the mask's inner radius, and pixels of crop and of photo."""
_OUTWARD_SHARE = 0.5
"""How far a feather that does not fit between contour and eyes may reach out of the mask, as a
share of the mask's inner radius (about a quarter of the face's width)."""
_SMOOTH = 5
"""Side of the Gaussian that takes the steps of whole pixels out of the weight."""
_BORDER = 2.0 + _SMOOTH // 2
"""Crop pixels at the border that take nothing: 2, the radius of the cubic filter, are left when
the weight has been smoothed."""


@dataclass(frozen=True, slots=True)
class Feather:
    """The weight of a crop's pixels, and what it asked."""

    weight: NDArray[np.float32]  # float32 (size, size) in [0, 1]
    width: float  # photo pixels over which the weight goes from 0 to 1
    # Levels a photo pixel at which the tone shift fades; above 1 where the face is too small for
    # both a soft seam and a whole restoration between eyes and mouth, of which the second is kept
    steepness: float


def face_region(probabilities: NDArray[np.float32], *, hair: bool = False) -> NDArray[np.float32]:
    """Return the probability, float32 (height, width), that a pixel is one to be restored.

    Parameters
    ----------
    probabilities
        float32 (19, height, width) in the order of `zoo.portrait.parse.parsing.LABELS`.
    hair
        Whether hair is restored beside skin, brows, eyes, glasses, nose, mouth and lips.
    """
    labels = [*_FACE, _HAIR] if hair else [*_FACE]
    return np.asarray(probabilities[labels].sum(axis=0), np.float32)


def feathered(
    region: NDArray[np.float32],
    change: NDArray[np.float32],
    core: NDArray[np.float64],
    scale: float,
) -> Feather:
    """Return the weight that fades a change out at the contour of the face.

    Parameters
    ----------
    region
        float32 (size, size), probability of being restored skin, eye, mouth …; the contour
        is where it crosses one half.
    change
        float32 (size, size, 3), restored minus crop, 8-bit levels.
    core
        (n, 2) float64 (x, y) in crop pixels: corners of the convex part, from the eyes to the
        mouth, in which nothing is faded.
    scale
        Crop pixels per photo pixel.

    Notes
    -----
    The weight is a ramp of the Euclidean distance to the contour, which has a slope of 1 or
    less everywhere: the bound holds at corners too. It lies inside the contour as far as the
    core allows and only then outside, and ends before the crop's border.
    """
    distance = _signed_distance(region >= 0.5)
    radius = max(float(distance.max()), 0.0)
    if radius == 0.0:
        return Feather(np.zeros(region.shape, np.float32), 0.0, 0.0)
    border = _border_distance(region.shape)
    inward, room = (max(_least_within(field, core), 0.0) for field in (distance, border))
    shift = tone_shift(change, (distance > 0) & (distance <= radius / 2), radius / 10)
    least = max(_LEAST_SHARE * radius, _LEAST_PIXELS, _LEAST_PIXELS * scale)
    softest = max(shift * _PEAK / _STEEPEST * scale, min(least, radius))
    outward = _OUTWARD_SHARE * radius
    beyond = (distance < 0) & (distance >= -outward)
    if softest > inward and tone_shift(change, beyond, radius / 10) < shift / 2:
        outward = 0.0  # the change itself ends at the contour: only the inside can hold a ramp
    width = min(softest, max(min(inward + outward, room), least))
    ramp = np.minimum(distance + max(width - inward, 0.0), border) / width
    weight = cv2.GaussianBlur(_eased(ramp), (_SMOOTH, _SMOOTH), _SMOOTH / 6)
    return Feather(np.asarray(weight, np.float32), width / scale, shift * _PEAK / width * scale)


def tone_shift(change: NDArray[np.float32], where: NDArray[np.bool_], sigma: float) -> float:
    """Return by how many levels a change shifts the tone somewhere, at most; 0 for nowhere.

    Parameters
    ----------
    change
        float32 (size, size, 3), 8-bit levels.
    where
        bool (size, size), the pixels that count.
    sigma
        The change is averaged over a Gaussian of so many of these pixels, so that restored
        detail, which leaves no seam, does not count as tone. Of the averages the answer is the
        99th percentile of the channel that moves most.
    """
    if not where.any():
        return 0.0
    counted = where.astype(np.float32)
    layers = np.dstack((change * counted[..., None], counted))
    blurred = cv2.GaussianBlur(layers, (0, 0), max(sigma, 1.0), borderType=cv2.BORDER_REFLECT)
    means = np.abs(blurred[where][:, :3]) / blurred[where][:, 3:]
    return float(np.percentile(means.max(axis=1), 99))


def _signed_distance(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance to the contour in pixels, positive inside; slope at most 1."""
    levels = inside.astype(np.uint8)
    if levels.all():
        return np.full(inside.shape, max(inside.shape), np.float32)
    within = cv2.distanceTransform(levels, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    without = cv2.distanceTransform(1 - levels, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(inside, within - 0.5, 0.5 - without).astype(np.float32)


def _border_distance(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return each pixel's distance to the part of the crop that takes nothing."""
    down = np.minimum(np.arange(shape[0]), np.arange(shape[0])[::-1])
    across = np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1])
    return np.minimum(down[:, None], across[None]).astype(np.float32) - np.float32(_BORDER)


def _least_within(distance: NDArray[np.float32], core: NDArray[np.float64]) -> float:
    """Return the least distance over the convex hull of the core's points."""
    hull = cv2.convexHull(np.rint(core).astype(np.int32))
    inside = np.zeros(distance.shape, np.uint8)
    cv2.fillConvexPoly(inside, hull, 1)
    return float(distance[inside > 0].min(initial=np.float32(distance.max())))


def _eased(ramp: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 below 0, 1 above 1, and between them a line with rounded ends."""
    u = np.clip(ramp, 0.0, 1.0)
    end = np.minimum(np.minimum(u, 1.0 - u), _ROUNDED)
    foot = np.where(u < _ROUNDED, u * u, 2.0 * _ROUNDED * u - _ROUNDED**2)
    head = np.where(end < _ROUNDED, (u > 0.5) * (_ROUNDED - end) ** 2, 0.0)
    return np.asarray((foot - head) / (2.0 * _ROUNDED * (1.0 - _ROUNDED)), np.float32)
