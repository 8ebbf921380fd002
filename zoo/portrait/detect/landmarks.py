"""dlib's five landmarks, to a fraction of a pixel, and how far to trust them.

Needs a face's box; finding that is the detectors' part.
"""

from __future__ import annotations

from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from zoo.networks.faces.dlib_models import LANDMARKS, model_file

__all__ = ["LandmarkFinder"]

_FACE = 256
"""Width of the box after resampling. dlib rounds landmarks to whole pixels; at this size that
is 0.2 % of the box, and faces of every size look alike to its trees of pixel differences."""

_STARTS = (
    (0.0, 0.0, 1.0),
    (0.05, 0.0, 1.0),
    (-0.05, 0.0, 1.0),
    (0.0, 0.05, 1.0),
    (0.0, -0.05, 1.0),
    (0.0, 0.0, 1.1),
    (0.0, 0.0, 0.9),
)
"""Boxes to start from: shift right, shift down (shares of the box), size."""


class LandmarkFinder:
    """dlib's 5-point model behind one call; deterministic, not picklable.

    V. Kazemi and J. Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression
    Trees", CVPR 2014; the model was trained for the boxes of dlib's two detectors alike.
    """

    def __init__(self) -> None:
        self._predictor: Any = dlib.shape_predictor(str(model_file(LANDMARKS)))

    def find(
        self, image: NDArray[np.uint8], box: tuple[float, float, float, float]
    ) -> tuple[NDArray[np.float64], float]:
        """Return the landmarks of the face in ``box``, and their spread.

        Parameters
        ----------
        image
            uint8 HWC RGB.
        box
            ``(left, top, right, bottom)`` as a detector of dlib gives it.

        Returns
        -------
        landmarks
            ``(5, 2)`` float64 ``(x, y)`` pixels of ``image`` in the order ``dlib5``: the mean
            over seven starts, each a box shifted or resized a little.
        spread
            Root mean square distance of the seven from their mean, in box widths. On a face the
            starts agree (median 0.002); where there is none they do not (median 0.03).
        """
        patch, scale, left, top = _patch(image, box)
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        centre = (middle - (left, top) + 0.5) * scale - 0.5
        answers = np.array([self._points(patch, centre, start) for start in _STARTS])
        mean = answers.mean(axis=0)
        spread = float(np.sqrt(np.mean(np.sum((answers - mean) ** 2, axis=2)))) / _FACE
        return (mean + 0.5) / scale - 0.5 + (left, top), spread

    def _points(
        self,
        patch: NDArray[np.uint8],
        centre: NDArray[np.float64],
        start: tuple[float, float, float],
    ) -> NDArray[np.float64]:
        right, down, size = start
        x, y = centre + _FACE * np.array((right, down))
        half = size * _FACE / 2
        edges = (x - half + 0.5, y - half + 0.5, x + half - 0.5, y + half - 0.5)
        box = dlib.rectangle(*(round(float(edge)) for edge in edges))
        return np.array([(part.x, part.y) for part in self._predictor(patch, box).parts()], float)


def _patch(
    image: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> tuple[NDArray[np.uint8], float, int, int]:
    """Return twice the box resampled so that the box has `_FACE` pixels, and where it lies.

    The scale is patch pixels for one photo pixel; the last two are the photo's pixel at the
    patch's top left corner. Beyond the photo its border pixels go on.
    """
    height, width = image.shape[:2]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    reach = max(box[2] - box[0], box[3] - box[1], 2.0)
    left, top = round(x - reach + 0.5), round(y - reach + 0.5)
    side = round(2 * reach)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    region = image[rows[:, None], columns]
    target = round(side * _FACE / reach)
    way = cv2.INTER_AREA if target < side else cv2.INTER_LINEAR
    patch = cv2.resize(region, (target, target), interpolation=way)
    return np.ascontiguousarray(patch), target / side, left, top
