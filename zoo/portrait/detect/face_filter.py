"""Whether a detected face is one, and one that can be restored; if not, why not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from degrade.errors import ImageError
from zoo.portrait.align.alignment import Alignment, align
from zoo.portrait.face import Face

__all__ = ["Limits", "judge"]

_CROP = 512
"""Side of the FFHQ crop in which residuals are measured; any would do, they are shares of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a face must have to be restored."""

    # Width of its box in pixels. Of faces of 20 pixels the landmarks are still within 3 % of the
    # distance of the eyes (median of 30 portraits); of smaller ones every third is missed.
    smallest_width: float = 20.0
    # Degrees to either side. Beyond, the far eye is hidden, and frontal landmarks fit so badly (8 %
    # of the crop at 60 degrees) that the crop would be no aligned face.
    largest_yaw: float = 55.0
    # Root mean square distance of the landmarks from their places in the FFHQ crop, as a share of
    # the crop's side. Portraits have 0.8 % (median of 330), at most 2.7 %.
    largest_residual: float = 0.08
    # How far the landmarks may lie apart over several starts, in box widths; see
    # `zoo.portrait.detect.landmarks`. On 60 portraits clean and under three recipes, and on 72
    # pictures without a face, all searched down to a score of -0.7, 205 of 232 true faces (196 of
    # 201 with a score of 0 or more) and 1 of 224 false ones have less; the landmarks of true faces
    # that have more are off by 12 to 65 % of the distance of the eyes.
    largest_spread: float = 0.01
    # The least and the greatest distance of the eyes, in box widths; portraits have 0.33 to 0.51 in
    # dlib's boxes (98 % of 232)
    eye_distances: tuple[float, float] = (0.2, 0.8)
    least_inside: float = 0.5  # the share of the box that must lie inside the photo


def judge(face: Face, image_size: tuple[int, int], limits: Limits | None = None) -> str:
    """Return why a face cannot be restored, as half a sentence, or "" when it can.

    Parameters
    ----------
    face
        As a detector found it.
    image_size
        ``(height, width)`` of the photo.
    limits
        None takes the defaults of `Limits`.
    """
    limits = limits or Limits()
    try:
        alignment = align(face.landmarks, face.scheme, _CROP)
    except ImageError as error:
        return f"no face: {error}"
    checks = (
        _too_small(face, limits),
        _scattered(face, limits),
        _from_the_side(face, limits),
        _misplaced(face, alignment, limits),
        _cut(face, image_size, limits),
    )
    return next((reason for reason in checks if reason), "")


def _too_small(face: Face, limits: Limits) -> str:
    if face.width >= limits.smallest_width:
        return ""
    return f"too small: {face.width:.0f} pixels wide, at least {limits.smallest_width:g}"


def _scattered(face: Face, limits: Limits) -> str:
    if face.spread <= limits.largest_spread:
        return ""
    return (
        f"no face, or too unclear a one: its landmarks do not settle (spread {face.spread:.3f} "
        f"of its width, at most {limits.largest_spread:g})"
    )


def _from_the_side(face: Face, limits: Limits) -> str:
    if abs(face.pose.yaw) <= limits.largest_yaw:
        return ""
    return (
        f"seen from the side: turned by about {abs(face.pose.yaw):.0f} degrees, at most "
        f"{limits.largest_yaw:g}"
    )


def _misplaced(face: Face, alignment: Alignment, limits: Limits) -> str:
    residual = alignment.residual / _CROP
    if residual > limits.largest_residual:
        return (
            f"probably no face: its landmarks lie unlike a face's ({residual:.0%} of the crop "
            f"off, at most {limits.largest_residual:.0%})"
        )
    least, most = limits.eye_distances
    distance = _eye_distance(face) / face.width
    if not least <= distance <= most:
        return (
            f"probably no face: its eyes are {distance:.2f} box widths apart, a face's "
            f"{least:g} to {most:g}"
        )
    return ""


def _cut(face: Face, image_size: tuple[int, int], limits: Limits) -> str:
    inside = _inside(face, image_size)
    if inside >= limits.least_inside:
        return ""
    return f"cut by the photo's border: {inside:.0%} inside, at least {limits.least_inside:.0%}"


def _eye_distance(face: Face) -> float:
    points = face.landmarks
    if face.scheme == "dlib5":
        apart = (points[0] + points[1] - points[2] - points[3]) / 2
    else:
        apart = points[1] - points[0]
    return math.hypot(*apart)


def _inside(face: Face, image_size: tuple[int, int]) -> float:
    """Return the share of the box inside the photo, whose edges lie at -0.5 and size - 0.5."""
    height, width = image_size
    left, top, right, bottom = face.box
    across = min(right, width - 0.5) - max(left, -0.5)
    down = min(bottom, height - 0.5) - max(top, -0.5)
    return max(0.0, across) * max(0.0, down) / face.area if face.area else 0.0
