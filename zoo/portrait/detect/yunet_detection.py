"""Faces found by YuNet through OpenCV, for those who have its weights.

W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20, 2023. The file is OpenCV Zoo's ``face_detection_yunet_2023mar.onnx``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.detect.detection import remove_duplicates
from zoo.portrait.detect.pose import estimate_pose
from zoo.portrait.face import Face
from zoo.weights.files import WeightsRefused, known_weights, locate

__all__ = ["YunetDetector"]

_LOWEST_SCORE = 0.6
_OVERLAP = 0.3
_MOST_FACES = 5000
"""What OpenCV Zoo's own demo takes (models/face_detection_yunet/demo.py), with its lower score
of 0.6 in place of 0.9: what it lets through is judged by its landmarks afterwards."""

_LARGEST_FACE = 300.0
"""Faces of 10 to 300 pixels are found (the model's README in OpenCV Zoo): a photo of a longer
side than 640 is searched once more at 640, where a face that fills it has 300."""

_MOST_PIXELS = 4_000_000


class YunetDetector:
    """The network, loaded; deterministic, not picklable.

    Parameters
    ----------
    path
        The ONNX file. OpenCV's reader runs no code from it.
    smallest
        Width in pixels of the smallest face to look for, 10 or more.

    Raises
    ------
    WeightsRefused
        A file that OpenCV cannot read as this network.
    """

    name = "yunet"

    def __init__(self, path: Path, smallest: int = 20) -> None:
        self._smallest = smallest
        try:
            self._network = _opened(path)
        except cv2.error as error:
            raise WeightsRefused(
                f"{path} is no YuNet that OpenCV {cv2.__version__} can read: delete it and run "
                "`zoo fetch yunet`"
            ) from error

    @classmethod
    def published(cls, smallest: int = 20, offline: bool | None = None) -> YunetDetector:
        """Load the published weights; WeightsMissing or WeightsRefused as `locate`."""
        return cls(locate(known_weights("yunet"), offline), smallest)

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return every face of a uint8 HWC RGB image."""
        sizes = _sizes(image.shape[1], image.shape[0], self._smallest)
        return remove_duplicates(face for size in sizes for face in self._search(image, size))

    def _search(self, image: NDArray[np.uint8], size: tuple[int, int]) -> list[Face]:
        """Return what is found in a copy of ``(width, height)`` ``size``."""
        height, width = image.shape[:2]
        way = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
        searched = cv2.resize(np.ascontiguousarray(image[:, :, ::-1]), size, interpolation=way)
        self._network.setInputSize(size)
        _, rows = self._network.detect(searched)
        scale = np.array([size[0] / width, size[1] / height])
        return [] if rows is None else [_face(row, scale) for row in rows.astype(np.float64)]


def _opened(path: Path) -> Any:
    """Return OpenCV's detector, made without the remark that OpenCV 5 prints about targets."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.FaceDetectorYN.create(
            str(path), "", (320, 320), _LOWEST_SCORE, _OVERLAP, _MOST_FACES
        )
    finally:
        cv2.utils.logging.setLogLevel(level)


def _sizes(width: int, height: int, smallest: int) -> tuple[tuple[int, int], ...]:
    """Return the ``(width, height)`` of the copies to search: small faces, then large ones."""
    fine = min(1.0, 20 / smallest, float(np.sqrt(_MOST_PIXELS / (width * height))))
    coarse = min(fine, 2 * _LARGEST_FACE / max(width, height))
    scales = dict.fromkeys((fine, coarse))
    return tuple((max(1, round(width * one)), max(1, round(height * one))) for one in scales)


def _face(row: NDArray[np.float64], scale: NDArray[np.float64]) -> Face:
    """Read one of the detector's rows: left, top, width, height, five points, score.

    The points come as the eye on the image's left, the other, nose, the corners of the mouth in
    the same order (OpenCV, objdetect, FaceDetectorYN::detect).
    """
    left_top, size = row[0:2], row[2:4]
    right_bottom = left_top + size
    left, top = left_top / scale - 0.5
    right, bottom = right_bottom / scale - 0.5
    landmarks = (row[4:14].reshape(5, 2) + 0.5) / scale - 0.5
    pose = estimate_pose(landmarks, "eyes-nose-mouth")
    return Face(
        (float(left), float(top), float(right), float(bottom)),
        landmarks,
        "eyes-nose-mouth",
        float(row[14]),
        pose,
        "yunet",
    )
