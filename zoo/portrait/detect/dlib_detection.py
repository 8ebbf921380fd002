"""Faces found by dlib: its HOG detector, and its convolutional one.

Both search a copy of the photo whose size is bounded, so that time and memory are, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from zoo.networks.faces.dlib_models import CNN_DETECTOR, model_file
from zoo.portrait.detect.detection import remove_duplicates
from zoo.portrait.detect.landmarks import LandmarkFinder
from zoo.portrait.detect.pose import estimate_pose
from zoo.portrait.face import Face

__all__ = ["DlibCnnDetector", "DlibDetector"]

_WINDOW = 80
"""Side in pixels of the faces that dlib's detectors look for (its HOG window, and the size its
convolutional detector was trained for)."""

_HOG_PIXELS = 24_000_000
_CNN_PIXELS = 2_000_000
"""The most pixels searched: about 2 s for the HOG detector, 9 s for the convolutional one, on
one core."""
_MOST_SIDE = 16_000
"""Pixels of the larger side searched: dlib's pyramid destroys memory above some 20,000."""


class DlibDetector:
    """Histograms of oriented gradients: N. Dalal and B. Triggs, CVPR 2005, as dlib has it.

    Parameters
    ----------
    smallest
        Width in pixels of the smallest face to look for. The photo is enlarged for faces under
        80 pixels, but searched at no more than 24 million pixels: in a photo of 24 megapixels
        faces from 80 pixels are found, in one of 6 from 40, in one of 1.5 from 20.
    """

    name = "dlib"

    def __init__(self, smallest: int = 20) -> None:
        self._smallest = smallest
        self._detector: Any = dlib.get_frontal_face_detector()
        self._landmarks = LandmarkFinder()

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return every face of a uint8 HWC RGB image."""
        searched, scale = _resized(image, _WINDOW / self._smallest, _HOG_PIXELS)
        boxes, scores, _ = self._detector.run(searched, 0, 0.0)
        boxes_and_scores = zip((_box(box, scale) for box in boxes), scores, strict=True)
        return _faces(image, boxes_and_scores, self._landmarks, self.name)


class DlibCnnDetector:
    """A convolutional network trained with max-margin: D. E. King, arXiv 1502.00046.

    Sixty times as slow as `DlibDetector`, pixel for pixel. It finds faces at any tilt, but
    beyond 45 degrees dlib's landmarks do not follow (the judge then refuses the face, unless
    the photo is turned); on blurred faces it is no better.

    Parameters
    ----------
    smallest
        As for `DlibDetector`, within 2 million searched pixels.
    """

    name = "dlib-cnn"

    def __init__(self, smallest: int = 40) -> None:
        self._smallest = smallest
        self._detector: Any = dlib.cnn_face_detection_model_v1(str(model_file(CNN_DETECTOR)))
        self._landmarks = LandmarkFinder()

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return every face of a uint8 HWC RGB image."""
        searched, scale = _resized(image, _WINDOW / self._smallest, _CNN_PIXELS)
        boxes_and_scores = (
            (_box(one.rect, scale), one.confidence) for one in self._detector(searched, 0)
        )
        return _faces(image, boxes_and_scores, self._landmarks, self.name)


def _resized(
    image: NDArray[np.uint8], enlargement: float, most_pixels: int
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return the image enlarged as wished or as allowed, and the scale ``(across, down)``."""
    height, width = image.shape[:2]
    most_side = _MOST_SIDE / max(height, width)
    scale = min(enlargement, float(np.sqrt(most_pixels / (height * width))), most_side)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    searched = cv2.resize(np.ascontiguousarray(image), size, interpolation=way)
    return np.asarray(searched, np.uint8), (size[0] / width, size[1] / height)


def _box(box: Any, scale: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return a rectangle of dlib, whose edges are pixels inside it, in the photo's pixels."""
    across, down = scale
    return (
        box.left() / across - 0.5,
        box.top() / down - 0.5,
        (box.right() + 1) / across - 0.5,
        (box.bottom() + 1) / down - 0.5,
    )


def _faces(
    image: NDArray[np.uint8],
    boxes_and_scores: Iterator[tuple[tuple[float, float, float, float], float]],
    landmark_finder: LandmarkFinder,
    detector: str,
) -> tuple[Face, ...]:
    """Return the detections as faces, with their landmarks."""
    faces = []
    for box, score in boxes_and_scores:
        landmarks, spread = landmark_finder.find(image, box)
        pose = estimate_pose(landmarks, "dlib5")
        faces.append(Face(box, landmarks, "dlib5", float(score), pose, detector, spread=spread))
    return remove_duplicates(faces)
