"""Faces found by YuNet, for those who have its weights.

W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20, 2023; its authors' ``yunet_s_dynamic.onnx``, run by OpenCV.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.detect.pyramid import PyramidDetector
from zoo.weights.files import WeightsRefused, known_weights, locate

__all__ = ["YunetDetector"]

_LOWEST_SCORE = 0.6
_OVERLAP = 0.3
_MOST_FACES = 5000
"""Overlap and number as in OpenCV Zoo's demo (models/face_detection_yunet/demo.py), whose score is
0.9. By ``studies/measure_detection.py``, faces of 300 under ``codeformer-2`` and false boxes in
1,462 pictures without a face: 281 and 3 at 0.6, 282 and 5 at 0.55, 283 and 8 at 0.5."""


class YunetDetector(PyramidDetector):
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
        super().__init__(smallest)
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

    def search(self, copy: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return OpenCV's rows, see `PyramidDetector.search`; its points are pixel numbers."""
        self._network.setInputSize((copy.shape[1], copy.shape[0]))
        _, rows = self._network.detect(np.ascontiguousarray(copy[:, :, ::-1]))
        if rows is None:
            return np.empty((0, 15))
        faces: NDArray[np.float64] = rows.astype(np.float64)
        faces[:, 4:14] += 0.5
        return faces


def _opened(path: Path) -> Any:
    """Return OpenCV's detector, made without the remark that OpenCV 5 prints about targets."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.FaceDetectorYN.create(
            str(path), "", (320, 320), _LOWEST_SCORE, _OVERLAP, _MOST_FACES
        )
    finally:
        cv2.utils.logging.setLogLevel(level)
