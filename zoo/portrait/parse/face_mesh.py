"""MediaPipe's Face Mesh, 468 landmarks of an aligned face, run by OpenCV.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", CVPR
Workshop on Computer Vision for AR/VR, 2019. Weights under Apache-2.0: ``zoo fetch face-mesh``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.mean_mask import template_matrix
from zoo.restorer import Image
from zoo.weights.files import WeightsRefused, known_weights, locate

__all__ = ["FaceMesh", "FaceMeshNetwork", "mean_mesh"]

_POINTS = 468
_INPUT = 192
"""Side of the network's input in pixels."""
_LARGEST = 256
"""Larger crops are shrunk first: the network sees no more, and sampling them would alias."""

# Unit coordinates of the FFHQ crop. Sides of .7 to 1.1 and centres of .50 to .62 were tried on 60
# faces, sharp and degraded (2026-11-30): .9 and .54 to .58 agree best with the mean of several.
_CENTRE, _SIDE = (0.5, 0.56), 0.93
_SHIFTS = ((0.0, 0.0), (0.03, 0.015), (-0.03, 0.015))
"""The landmarks are the mean over windows shifted by these. Against one window the error falls
from 3.0 to 2.6 % of the distance between the eyes under `gfpgan`; seven windows gain no more."""
_TRUSTED, _SLOPE = 5.0, 6.0
"""Logit of the presence score at which landmarks weigh as much as the mean mesh, and how fast
that changes. Sharp faces have 28 to 62. Set by the best mixtures of 120 faces under `gfpgan` and
`codeformer-2`; on 60 others the mean error under `codeformer-2` falls from 10.8 to 5.7 % of the
distance between the eyes."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """The landmarks of one face."""

    # ``(468, 2)`` float64 ``(x, y)`` pixels of the crop, centre of the top-left pixel at (0, 0), in
    # MediaPipe's order
    points: NDArray[np.float64]
    presence: float  # the network's probability that it sees a face, in [0, 1]


class FaceMeshNetwork:
    """The network, loaded; deterministic, safe to share between threads, and picklable.

    Parameters
    ----------
    path
        The ``.tflite`` file. OpenCV's reader runs no code from it.
    template
        ``ffhq`` or ``tight``: how crops are aligned.

    Raises
    ------
    WeightsRefused
        A file that OpenCV cannot read as this network.
    ImageError
        A template of another name.
    """

    def __init__(self, path: Path, template: str = "ffhq") -> None:
        template_matrix(template, 1)  # refuses unknown names now rather than at the first face
        self._path, self._template = path, template
        self._lock = threading.Lock()
        try:
            self._network = _read(path)
            self._forward(np.zeros((1, 3, _INPUT, _INPUT), np.float32))
        except (cv2.error, ValueError) as error:
            raise WeightsRefused(
                f"{path} is no face mesh that OpenCV {cv2.__version__} can read: delete it and run "
                "`zoo fetch face-mesh`"
            ) from error

    @classmethod
    def published(cls, template: str = "ffhq", offline: bool | None = None) -> FaceMeshNetwork:
        """Load the published weights; WeightsMissing or WeightsRefused as `locate`."""
        return cls(locate(known_weights("face-mesh"), offline), template)

    def __reduce__(self) -> tuple[type[FaceMeshNetwork], tuple[Path, str]]:
        return type(self), (self._path, self._template)

    def predict(self, crop: Image) -> FaceMesh:
        """Return the landmarks of the face in an aligned crop, uint8 (size, size, 3) RGB.

        Notes
        -----
        The lower the presence score, the more of the mean mesh is in them: on a badly degraded
        face the template knows more than the network.
        """
        side = min(crop.shape[0], _LARGEST)
        small = crop
        if side < crop.shape[0]:
            small = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))
        to_crop = template_matrix(self._template, side)
        windows = [_window(to_crop, shift) for shift in _SHIFTS]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        inputs = [
            cv2.warpAffine(
                small, each, (_INPUT, _INPUT), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            for each in windows
        ]
        batch = np.stack(inputs).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        points, logits = self._forward(np.ascontiguousarray(batch))
        each = [one @ to[:, :2].T + to[:, 2] for one, to in zip(points, windows, strict=True)]
        logit = float(np.mean(logits))
        weight = _logistic((logit - _TRUSTED) / _SLOPE)
        mean = mean_mesh() @ to_crop[:, :2].T + to_crop[:, 2]
        mixed = weight * np.mean(each, axis=0) + (1.0 - weight) * mean
        scaled = (mixed + 0.5) * (crop.shape[0] / side) - 0.5
        return FaceMesh(np.asarray(scaled, np.float64), _logistic(logit))

    def _forward(
        self, batch: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return points in input pixels, (n, 468, 2), and logits of presence, (n,)."""
        with self._lock:  # OpenCV's networks keep their input between two calls
            self._network.setInput(batch)
            outputs = self._network.forward(self._network.getUnconnectedOutLayersNames())
        # Their order and names differ between versions of the file, their sizes do not.
        logits, points = sorted(outputs, key=lambda output: output.size)
        if logits.size != len(batch) or points.size != len(batch) * _POINTS * 3:
            raise ValueError("another network")
        # x, y, depth; a coordinate counts from the input's edge (TFLite, half-pixel centres).
        flat = points.reshape(len(batch), _POINTS, 3)[..., :2].astype(np.float64) - 0.5
        return flat, logits.reshape(-1).astype(np.float64)


@cache
def mean_mesh() -> NDArray[np.float64]:
    """Return the mean landmarks in unit coordinates of the FFHQ crop, ``(468, 2)``, read-only.

    The median over 170 synthetic faces under CC0 (faker-js/assets-person-portrait), made
    symmetric.
    """
    path = Path(__file__).with_name("mean_mesh.csv")
    points = np.loadtxt(path, delimiter=",", skiprows=1)
    points.flags.writeable = False
    return points


def _read(path: Path) -> Any:
    # OpenCV 5's new engine returns one of the two outputs only; OpenCV 4 has just the classic one.
    engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    return cv2.dnn.readNetFromTFLite(str(path), *([] if engine is None else [engine]))


def _window(to_crop: NDArray[np.float64], shift: tuple[float, float]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from input pixels to crop pixels of a window shifted by a share."""
    scale = to_crop[0, 0] * _SIDE / _INPUT
    x, y = np.add(_CENTRE, shift)
    offset = to_crop @ (x, y, 1.0) - scale * (_INPUT - 1) / 2
    return np.column_stack((np.eye(2) * scale, offset))


def _logistic(value: float) -> float:
    return float(1.0 / (1.0 + np.exp(-value)))
