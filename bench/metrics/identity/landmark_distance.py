"""How far the restored face's landmarks are from the truth's: dlib's 68 points, with consent.

Both images are searched from the box of the truth's face, so a restorer is not judged by where
a detector puts its box; but a face must be found there, else there is nothing to measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.identity.identity_dlib import FaceMetric, find_again
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status

if TYPE_CHECKING:
    from bench.metrics.identity.face_landmarks import FaceLandmarks
    from zoo.networks.faces.dlib_models import DlibModels, Face

__all__ = [
    "LANDMARK_DISTANCE",
    "LANDMARK_DISTANCE_NORMALISED",
    "LandmarkDistance",
    "load_landmark_distance",
    "load_landmark_distance_normalised",
]

_OUTER_CORNERS = (36, 45)
"""Outer corners of the eyes among the 68 points (Sagonas et al. 2013, figure 1)."""


def _entry(name: str, unit: str, normalised: str) -> MetricEntry:
    return MetricEntry(
        name=name,
        kind="pair",
        direction="lower",
        unit=unit,
        signature=f"landmarks|dlib-68|mean-euclidean|{normalised}|hq-box|chip256|starts5",
        source="dlib shape_predictor_68_face_landmarks (King 2009; Sagonas et al. 2013)",
        judge="dlib-68",
        packages=("dlib", "face_recognition_models"),
        packaged=(("face_recognition_models", "models/shape_predictor_68_face_landmarks.dat"),),
        licence="ibug-68",
    )


LANDMARK_DISTANCE = _entry("landmark_distance", "px", "pixels")
LANDMARK_DISTANCE_NORMALISED = _entry(
    "landmark_distance_normalised", "%", "percent-of-outer-eye-corners"
)


class LandmarkDistance(FaceMetric):
    """Mean Euclidean distance of 68 landmarks; 0 for equal images.

    In pixels of the image, or in percent of the distance of the truth's outer eye corners, the
    normalisation of the 300-W challenge, which can be compared between image sizes.

    Parameters
    ----------
    entry
        The facts; the unit says which of the two.
    models
        Find the faces.
    landmarks
        Finds the points of a face.
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
            return Measurement(None, Status.NO_FACE, "no face at the place of HQ's face")
        truth, found = self._points(hq, face), self._points(restored, face)
        distance = float(np.linalg.norm(found - truth, axis=1).mean())
        if self.unit == "%":
            left, right = (truth[corner] for corner in _OUTER_CORNERS)
            distance *= 100 / float(np.linalg.norm(left - right))
        return Measurement(distance)

    def _points(self, sample: Sample, face: Face) -> NDArray[np.float64]:
        name = f"dlib-68 {face.box}"
        return sample.feature(name, lambda image: self._landmarks.find(image, face.box))


def _load(entry: MetricEntry) -> LandmarkDistance:
    from bench.metrics.identity.face_landmarks import FaceLandmarks
    from zoo.networks.faces.dlib_models import load_dlib_models

    return LandmarkDistance(entry, load_dlib_models(), FaceLandmarks())


def load_landmark_distance() -> LandmarkDistance:
    """Return ``landmark_distance`` with its models; ConsentError before the licence is agreed."""
    return _load(LANDMARK_DISTANCE)


def load_landmark_distance_normalised() -> LandmarkDistance:
    """Return the normalised distance with its models; errors as the other's."""
    return _load(LANDMARK_DISTANCE_NORMALISED)
