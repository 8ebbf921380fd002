"""The regions of a face that the face mesh outlines, as a partial parsing mask.

Skin, brows, eyes, nose, lips and mouth; of hair, neck and background the mesh says nothing, so
there the mask is 0 in every channel. Geometry only: no picture is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.labels import LABELS, label_index

__all__ = ["mesh_regions"]

# Contours of MediaPipe (Apache-2.0): mediapipe/python/solutions/face_mesh_connections.py. Of a
# pair the first is the one on the image's left, MediaPipe's "right".
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
_BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
_UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
_LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# Ours: MediaPipe has no contour of the nose. Bridge, wings and base, as CelebAMask-HQ marks it.
_NOSE = (
    168, 417, 412, 437, 429, 279, 358, 294, 327, 326, 2, 97, 98, 64, 129, 49, 209, 217, 188, 193,
)  # fmt: skip

_FOREHEAD = 0.25
"""How far the oval's upper half is stretched upwards: the mesh ends below the hairline."""
_FINER = 4
"""Shapes are drawn this many times larger and averaged, which makes their edges soft."""


def mesh_regions(points: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Return the mask of one aligned face, ``(19, size, size)`` float32 in [0, 1].

    Parameters
    ----------
    points
        ``(468, 2)`` ``(x, y)`` pixels of the crop, centre of the top-left pixel at (0, 0), in
        MediaPipe's order.
    size
        Side of the square crop.

    Notes
    -----
    The channels sum to 1 inside the face and to 0 outside, with a soft edge between.
    """
    labels = np.full((size * _FINER, size * _FINER), len(LABELS), np.uint8)
    shapes = list(_shapes(np.asarray(points, np.float64)))
    for label, outline in shapes:
        fixed = np.round(((outline + 0.5) * _FINER - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(labels, [fixed], label_index(label), shift=4)
    mask = np.zeros((len(LABELS), size, size), np.float32)
    for number in {label_index(label) for label, _ in shapes}:
        area = (labels == number).astype(np.uint8) * _FINER**2
        mask[number] = cv2.resize(area, (size, size), interpolation=cv2.INTER_AREA)
    mask /= _FINER**2
    return mask


def _shapes(points: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield (label, polygon), the nearer to the eye the later."""
    yield "skin", _face(points)
    yield "nose", points[list(_NOSE)]
    for side, brow in zip("lr", _BROWS, strict=True):
        yield f"{side}_brow", points[list(brow)]
    for side, eye in zip("lr", _EYES, strict=True):
        yield f"{side}_eye", points[list(eye)]
    yield "mouth", points[[*_UPPER_INNER, *_LOWER_INNER[::-1]]]
    yield "u_lip", points[[*_UPPER_OUTER, *_UPPER_INNER[::-1]]]
    yield "l_lip", points[[*_LOWER_OUTER, *_LOWER_INNER[::-1]]]


def _face(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the oval, its part above the brows stretched away from the chin."""
    oval = points[list(_OVAL)]
    brows = points[[*_BROWS[0], *_BROWS[1]]].mean(axis=0)
    up = brows - points[152]
    up /= max(float(np.linalg.norm(up)), 1e-9)
    above = np.maximum((oval - brows) @ up, 0.0)
    return np.asarray(oval + (_FOREHEAD * above)[:, None] * up, np.float64)
