"""The regions of a face that 68 landmarks outline, as a partial parsing mask.

Skin, brows, eyes, nose, lips and mouth; of hair, neck and background the landmarks say nothing,
so there the mask is 0 in every channel. Geometry only: no picture is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["landmark_regions"]

_LABELS = 19
_SKIN, _NOSE, _EYES, _BROWS, _MOUTH, _UPPER_LIP, _LOWER_LIP = 1, 2, (4, 5), (6, 7), 10, 11, 12
"""CelebAMask-HQ's order. Of a pair the first is the one on the image's left."""

# The iBUG scheme: 0-16 jaw from the image's left, 17-26 brows, 27-35 nose, 36-47 eyes,
# 48-59 outer and 60-67 inner contour of the lips (Sagonas et al., ICCV Workshops 2013).
_EYE_RANGES = ((36, 42), (42, 48))
_BROW_RANGES = ((17, 22), (22, 27))
_UPPER = (48, 49, 50, 51, 52, 53, 54, 64, 63, 62, 61, 60)
_LOWER = (54, 55, 56, 57, 58, 59, 48, 60, 67, 66, 65, 64)
_FINER = 4
"""Shapes are drawn this many times larger and averaged, which makes their edges soft."""


def landmark_regions(landmarks: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Return the mask of one aligned face, ``(19, size, size)`` float32 in [0, 1].

    Parameters
    ----------
    landmarks
        ``(68, 2)`` ``(x, y)`` pixels of the crop, centre of the top-left pixel at (0, 0).
    size
        Side of the square crop.

    Notes
    -----
    The forehead is extrapolated: the jaw's line is closed by half an ellipse over the brows whose
    height is 0.8 of the distance from the brows to the base of the nose. The channels sum to 1
    inside the face and to 0 outside, with a soft edge between.
    """
    points = np.asarray(landmarks, np.float64)
    labels = np.zeros((size * _FINER, size * _FINER), np.uint8)
    for label, shape in _shapes(points):
        fixed = np.round(((shape + 0.5) * _FINER - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(labels, [fixed], label, shift=4)
    mask = np.zeros((_LABELS, size, size), np.float32)
    for label in np.unique(labels):
        if label:
            drawn = (labels == label).astype(np.uint8) * _FINER**2
            mask[label] = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
    mask /= _FINER**2
    return mask


def _shapes(points: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield (label, polygon), the nearer to the eye the later."""
    yield _SKIN, np.concatenate([points[:17], _forehead(points)])
    yield _NOSE, _nose(points)
    apart = float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
    for label, (first, last) in zip(_BROWS, _BROW_RANGES, strict=True):
        yield label, _thick(points[first:last], 0.055 * apart)
    for label, (first, last) in zip(_EYES, _EYE_RANGES, strict=True):
        yield label, points[first:last]
    yield _MOUTH, points[60:68]
    yield _UPPER_LIP, points[list(_UPPER)]
    yield _LOWER_LIP, points[list(_LOWER)]


def _forehead(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half an ellipse over the brows, from the jaw's end on the right to its start."""
    left, right = points[0], points[16]
    brows = points[17:27].mean(axis=0)
    rise = brows - points[33]
    top = brows + 0.8 * rise - (left + right) / 2
    half = (right - left) / 2
    turn = np.linspace(0, np.pi, 18)[1:-1, None]
    return np.asarray((left + right) / 2 + np.cos(turn) * half + np.sin(turn) * top)


def _nose(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outline of the nose: the bridge widened to a fifth of the base."""
    bridge, base = points[27], points[31:36]
    across = (points[35] - points[31]) * 0.2
    wings = np.array([points[31] - across * 0.6, points[35] + across * 0.6])
    below = base + (base.mean(axis=0) - points[30]) * 0.15
    return np.asarray([bridge - across, wings[0], *below, wings[1], bridge + across])


def _thick(line: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """Return the polygon ``half`` pixels around an open line, narrower at its ends."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) * half
    normal[[0, -1]] *= 0.5
    return np.concatenate([line + normal, (line - normal)[::-1]])
