"""How far the restored face's landmarks are from HQ's: dlib's 68 points, with consent.

Both images are searched from the box of HQ's face, so a restorer is not judged by where
a detector puts its box; but a face must be found there, else there is nothing to measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Status
from bench.metrics.identity.identity_dlib import FaceMetric, find_again
from bench.metrics.metric import Measurement, Sample

if TYPE_CHECKING:
    from zoo.networks.faces.dlib_models import DlibFace, DlibModels

_OUTER_CORNERS = (36, 45)
"""Outer corners of the eyes among the 68 points (Sagonas et al. 2013, figure 1)."""


def _entry(name: str, unit: str, normalised: str, equal: tuple[float, float] | None) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        "lower",
        unit,
        f"landmarks|dlib-68|mean-euclidean|{normalised}|hq-box|chip256|starts5",
        "dlib shape_predictor_68_face_landmarks (King 2009; Sagonas et al. 2013)",
        "bench.metrics.identity.landmark_distance:load_landmark_distance",
        judge="dlib-68",
        packages=("dlib", "face_recognition_models"),
        packaged=(("face_recognition_models", "models/shape_predictor_68_face_landmarks.dat"),),
        licence="ibug-68",
        error="value",
        equal=equal,
    )


ENTRIES = (
    _entry("landmark_distance", "px", "pixels", (0.0, 1e-12)),
    _entry("landmark_distance_normalised", "%", "percent-of-outer-eye-corners", None),
)


class LandmarkDistance(FaceMetric):
    """Mean Euclidean distance of 68 landmarks; 0 for equal images.

    In pixels of the image, or in percent of the distance of HQ's outer eye corners, the
    normalisation of the 300-W challenge, which can be compared between image sizes.
    """

    __slots__ = ("_landmarks",)

    def __init__(self, entry: MetricEntry, models: DlibModels, landmarks: FaceLandmarks) -> None:
        super().__init__(entry, models)
        self._landmarks = landmarks

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare the landmarks of HQ's principal face with those at its place in ``restored``."""
        face = self.face_of_pair(restored, hq)
        if isinstance(face, Measurement):
            return face
        if find_again(face, self.faces(restored)) is None:
            return Measurement(None, Status.NO_FACE, "no face where HQ has one")
        points, hq_points = self._points(restored, face), self._points(hq, face)
        distance = float(np.linalg.norm(points - hq_points, axis=1).mean())
        if self.unit == "%":
            left, right = (hq_points[corner] for corner in _OUTER_CORNERS)
            distance *= 100 / float(np.linalg.norm(left - right))
        return Measurement(distance)

    def _points(self, sample: Sample, face: DlibFace) -> NDArray[np.float64]:
        name = f"dlib-68 {face.box}"
        return sample.feature(name, lambda image: self._landmarks.find(image, face.box))


def load_landmark_distance(entry: MetricEntry) -> LandmarkDistance:
    """Return one of `ENTRIES` with its models; ConsentError before the licence is agreed to."""
    from zoo.networks.faces.dlib_models import load_dlib_models

    return LandmarkDistance(entry, load_dlib_models(), FaceLandmarks())


CHIP = 256
"""Side of the face's box in the image that dlib gets, pixels: it rounds landmarks to whole
pixels, which on a face of 80 would be more than one percent of its width."""

_STARTS = ((0.0, 0.0, 1.0), (0.04, 0.0, 1.0), (-0.04, 0.0, 1.0), (0.0, 0.0, 1.08), (0.0, 0.0, 0.92))
"""Boxes to start from, shift right, shift down (shares of the box), size: single answers scatter
on blurred and noisy faces. The same as for aligned crops."""


class FaceLandmarks:
    """The 68-point model behind one call; deterministic, not picklable.

    Raises ConsentError where nobody at this account agreed to the model's licence,
    DependencyError without its package, WeightsRefused for another file.
    """

    def __init__(self) -> None:
        import dlib

        from zoo.portrait.detect.landmarks68 import LICENCE, landmark_file
        from zoo.weights.licences import require_consent

        require_consent(LICENCE, "dlib's 68-point landmark model")
        self._predictor: Any = dlib.shape_predictor(str(landmark_file()))

    def find(self, image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.float64]:
        """Return the landmarks, ``(68, 2)`` float64 ``(x, y)`` pixels of an uint8 HWC RGB image.

        The face's box is ``(left, top, right, bottom)``, right and bottom outside.
        """
        import cv2

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
        import dlib

        right, down, size = start
        half = CHIP * size / 2
        centre = CHIP + CHIP * right, CHIP + CHIP * down
        edges = (centre[0] - half, centre[1] - half, centre[0] + half - 1, centre[1] + half - 1)
        shape = self._predictor(chip, dlib.rectangle(*(round(edge) for edge in edges)))
        return np.array([(part.x, part.y) for part in shape.parts()], np.float64)
