"""dlib's 68 landmarks of known faces, with consent, see `zoo.weights.licences`.

For faces anywhere in a picture.
"""

from __future__ import annotations

from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.detect.landmarks68 import LICENCE, landmark_file
from zoo.weights.licences import require_consent

__all__ = ["CHIP", "FaceLandmarks"]

CHIP = 256
"""Side of the face's box in the picture that dlib is shown, pixels: it rounds landmarks to whole
pixels, which on a face of 80 would be more than one percent of its width."""

_STARTS = ((0.0, 0.0, 1.0), (0.04, 0.0, 1.0), (-0.04, 0.0, 1.0), (0.0, 0.0, 1.08), (0.0, 0.0, 0.92))
"""Boxes to start from, shift right, shift down (shares of the box), size: single answers scatter
on blurred and noisy faces. The same as for aligned crops."""


class FaceLandmarks:
    """The 68-point model behind one call; deterministic, not picklable.

    Raises
    ------
    ConsentError
        Nobody at this account agreed to the model's licence.
    DependencyError, WeightsRefused
        The package with the model is not installed, or the file in it is another.
    """

    def __init__(self) -> None:
        require_consent(LICENCE, "dlib's 68-point landmark model")
        self._predictor: Any = dlib.shape_predictor(str(landmark_file()))

    def find(self, image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.float64]:
        """Return the landmarks, ``(68, 2)`` float64 ``(x, y)`` pixels of ``image``.

        Parameters
        ----------
        image
            uint8 HWC RGB.
        box
            ``(left, top, right, bottom)`` of the face, as dlib's detector has it; right and bottom
            outside.
        """
        left, top, right, _ = box
        scale = CHIP / (right - left)
        # The box lands in the middle of a chip of twice its side; pixel centres on pixel centres.
        shift = CHIP / 2 + (scale - 1) / 2
        matrix = np.array([[scale, 0, shift - scale * left], [0, scale, shift - scale * top]])
        side = (2 * CHIP, 2 * CHIP)
        chip = cv2.warpAffine(
            np.ascontiguousarray(image), matrix, side, borderMode=cv2.BORDER_REPLICATE
        )
        points = np.mean([self._points(np.asarray(chip, np.uint8), each) for each in _STARTS], 0)
        return np.asarray((points - matrix[:, 2]) / scale, np.float64)

    def _points(
        self, chip: NDArray[np.uint8], start: tuple[float, float, float]
    ) -> NDArray[np.float64]:
        right, down, size = start
        half = CHIP * size / 2
        centre = CHIP + CHIP * right, CHIP + CHIP * down
        edges = (centre[0] - half, centre[1] - half, centre[0] + half - 1, centre[1] + half - 1)
        found = self._predictor(chip, dlib.rectangle(*(round(edge) for edge in edges)))
        return np.array([(part.x, part.y) for part in found.parts()], np.float64)
