"""Faces found in a photo and in ever smaller copies of it, with landmarks on the photo itself.

A blurred face looks sharp in a small copy: under ``codeformer-2`` one copy finds half of the faces,
the pyramid 95 of 100. The networks' own points are poor on such faces (median error 10 % of the eye
distance; dlib's 4 %), so landmarks are dlib's wherever those settle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.detect.detection import remove_duplicates
from zoo.portrait.detect.landmarks import LandmarkFinder
from zoo.portrait.detect.pose import estimate_pose
from zoo.portrait.face import Face, Pose

__all__ = ["PyramidDetector", "copy_sizes"]

_SMALLEST_FOUND = 10
"""Faces from 10 pixels are found (YuNet's README in OpenCV Zoo)."""

_MOST_PIXELS = 2_500_000
"""Of the largest copy: of 12 megapixels, in which faces from 22 pixels are found then."""

_SMALLEST_COPY = 24
"""Pixels of a side below which no copy is searched."""
_COPIES = 4
"""Each half as large as the one before; more find no more (100 portraits, three recipes)."""
_SETTLED = 0.05
"""Spread of dlib's landmarks from which the network's own are nearer to the truth; measured on 192
faces under ``codeformer-2``: 90 % are within .21 of the eye distance, .24 with dlib's alone."""


class PyramidDetector(ABC):
    """What networks that search one copy have in common; deterministic, not picklable.

    Parameters
    ----------
    smallest
        Width in pixels of the smallest face to look for, 10 or more.
    """

    name: str

    def __init__(self, smallest: int = 20) -> None:
        self._smallest = smallest
        self._landmarks = LandmarkFinder()

    @abstractmethod
    def search(self, copy: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return a row for each face of a uint8 HWC RGB copy.

        ``x, y, width, height`` of the box, five points (the eyes, the nose, the corners of the
        mouth, the image's left first; NaN where it has none) and the score, ``(n, 15)``. Pixel
        ``i`` covers ``i`` to ``i + 1``.
        """

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return every face of a uint8 HWC RGB image."""
        height, width = image.shape[:2]
        found = []
        for size in copy_sizes(width, height, self._smallest):
            way = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
            copy = cv2.resize(image, size, interpolation=way).astype(np.uint8, copy=False)
            scale = np.array([size[0] / width, size[1] / height])
            found += [_face(row, scale, self.name) for row in self.search(copy)]
        return tuple(self._with_landmarks(image, face) for face in remove_duplicates(found))

    def _with_landmarks(self, image: NDArray[np.uint8], face: Face) -> Face:
        """Return the face in dlib's box with its landmarks, or the network's where they scatter."""
        box = _dlib_box(face.box)
        points, spread = self._landmarks.find(image, box)
        scheme = "dlib5"
        if spread <= _SETTLED:
            spread = 0.0
        elif np.isfinite(face.landmarks).all():
            points, scheme, spread = face.landmarks, face.scheme, 0.0
        pose = estimate_pose(points, scheme)
        return Face(box, points, scheme, face.score, pose, self.name, spread=spread)


def copy_sizes(width: int, height: int, smallest: int) -> tuple[tuple[int, int], ...]:
    """Return the ``(width, height)`` of the copies to search, each half of the one before.

    The first finds the smallest faces; the last is small enough to hold a face that fills it.
    """
    finest = min(1.0, 2 * _SMALLEST_FOUND / smallest, (_MOST_PIXELS / (width * height)) ** 0.5)
    sizes = []
    for halvings in range(_COPIES):
        scale = finest / 2**halvings
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if halvings and min(size) < _SMALLEST_COPY:
            break
        sizes.append(size)
    return tuple(sizes)


def _face(row: NDArray[np.float64], scale: NDArray[np.float64], name: str) -> Face:
    """Return one row of `PyramidDetector.search` as a face in photo pixels, not yet posed."""
    left, top = row[0:2] / scale - 0.5
    right, bottom = (row[0:2] + row[2:4]) / scale - 0.5
    landmarks = row[4:14].reshape(5, 2) / scale - 0.5
    box = (float(left), float(top), float(right), float(bottom))
    return Face(box, landmarks, "eyes-nose-mouth", float(row[14]), Pose(0, 0, 0), name)


def _dlib_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the square that dlib's detectors give for a face in YuNet's box, which is higher.

    Fitted to both on sharp portraits: centred at half the width and .56 of the height, its side
    1.04 times the width or .8 of the height, whichever is more.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    half = 0.52 * max(width, 0.8 * height)
    x, y = left + 0.5 * width, top + 0.56 * height
    return x - half, y - half, x + half, y + half
