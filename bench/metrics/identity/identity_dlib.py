"""Whether the restored face is still the same person to dlib, and whether it is still a face.

Landmarks come from HQ and the same crop is taken from both images, so a restorer is not
judged by what a detector makes of its output; that is the column ``face_found``, and in
``identity_dlib_strict`` a face that is lost counts as a stranger's, and worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Direction, MetricEntry, Status
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes

if TYPE_CHECKING:
    from zoo.networks.faces.dlib_descriptor import DlibDescriptor
    from zoo.networks.faces.dlib_models import DlibFace, DlibModels

_PACKAGES = ("dlib", "face_recognition_models")

_FILES = (
    ("face_recognition_models", "models/shape_predictor_5_face_landmarks.dat"),
    ("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"),
)
"""Of the crop and of the descriptor; dlib's HOG detector is compiled into dlib."""

_CROP = "hq-5-landmarks|chip150-pad.25|upright"


def _identity(
    name: str,
    direction: Direction,
    unit: str,
    protocol: str,
    *,
    equal: tuple[float, float] = (1.0, 1e-6),
    protocols: Mapping[str, str] = MappingProxyType({}),
) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        direction,
        unit,
        f"identity|dlib-resnet-v1|{protocol}",
        "dlib_face_recognition_resnet_model_v1 (King 2017); strangers .84, dlib's bound .91",
        "bench.metrics.identity.identity_dlib:load_identity",
        judge="dlib-resnet-v1",
        packages=(*_PACKAGES, "torch"),
        packaged=_FILES,
        error="value" if unit == "°" else "one_minus",
        protocols=protocols,
        equal=equal,
    )


_STRICT = "identity_dlib_strict"
ENTRIES = (
    _identity("identity_dlib", "higher", "cosine", f"cosine|{_CROP}"),
    # Angles near 0 are the arccosine of numbers near 1, where float32 is good to about .03°.
    _identity("identity_dlib_degrees", "lower", "°", f"degrees|{_CROP}", equal=(0.0, 0.1)),
    _identity(
        _STRICT,
        "higher",
        "cosine",
        f"cosine|{_CROP}|lost0-dlib-hog-iou.5",
        protocols={"strict": "identity"},
    ),
    MetricEntry(
        "face_found",
        "pair",
        "higher",
        "",
        "face-found|dlib-hog|hq-face|iou.5",
        "dlib's frontal face detector (HOG); box overlaps HQ's by half (IoU .5, Pascal VOC)",
        "bench.metrics.identity.identity_dlib:load_face_found",
        judge="dlib-hog",
        packages=_PACKAGES,
        protocols={"strict": "identity"},
        equal=(1.0, 0.0),
    ),
)

_OVERLAP = 0.5
_NO_FACE = Measurement(None, Status.NO_FACE_IN_REFERENCE, "no face was detected in the HQ image")


class FaceMetric(RegisteredMetric):
    """A metric that looks at the face that the HQ image is of."""

    __slots__ = ("_models",)

    def __init__(self, entry: MetricEntry, models: DlibModels) -> None:
        super().__init__(entry)
        self._models = models

    def faces(self, sample: Sample) -> tuple[DlibFace, ...]:
        """Return the faces of one image, detected once however many metrics ask."""
        return sample.feature("dlib-faces", self._models.detect)

    def reference_face(self, hq: Sample) -> DlibFace | None:
        """Return the face that the HQ image is of, or None."""
        from zoo.networks.faces.dlib_models import principal

        return principal(self.faces(hq))

    def face_of_pair(self, restored: Sample, hq: Sample) -> DlibFace | Measurement:
        """Return HQ's face, or why the pair cannot be measured."""
        refused = refuse_sizes(restored, hq)
        return refused or self.reference_face(hq) or _NO_FACE


class IdentityDlib(FaceMetric):
    """Cosine of the dlib descriptors of the same crop in both images; 1 is the same face.

    The descriptors are not centred, so strangers do not score 0. Measured on 40 official
    portraits of members of the US Congress (335 x 410, 780 pairs of strangers): median .84,
    5th and 95th percentile .77 and .89; dlib's own threshold for one person, a Euclidean
    distance of .6, lies at .91. The same portraits reduced 2, 4 and 8 times, with noise and
    JPEG, score .99, .95 and .90 on average against themselves. On 100 UTKFace crops
    (200 x 200, 4950 pairs): strangers .84 (.77 to .90), the same three .99, .96 and .91.
    Torch runs dlib's network: its numbers differ from dlib's own by less than 1e-6.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, entry: MetricEntry, models: DlibModels, descriptor: DlibDescriptor) -> None:
        super().__init__(entry, models)
        self._descriptor = descriptor

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare the principal face of HQ with the same region of ``restored``."""
        face = self.face_of_pair(restored, hq)
        if isinstance(face, Measurement):
            return face
        if self.name == _STRICT and not find_again(face, self.faces(restored)):
            return Measurement(0.0, detail="no face where HQ has one")
        value = cosine(self._described(restored, face), self._described(hq, face))
        return Measurement(degrees(value) if self.unit == "°" else value)

    def _described(self, sample: Sample, face: DlibFace) -> NDArray[np.float64]:
        from zoo.networks.faces.dlib_models import face_chip

        name = f"dlib-descriptor {face.landmarks.tolist()}"
        return sample.feature(name, lambda image: self._descriptor.describe(face_chip(image, face)))


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the cosine of the angle between two vectors, cut to [-1, 1]."""
    value = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return min(1.0, max(-1.0, value))


def degrees(value: float) -> float:
    """Return the angle of a cosine, 0 to 180: the unit of the papers' ``Deg.``; lower is nearer."""
    return math.degrees(math.acos(value))


def find_again(face: DlibFace, others: Iterable[DlibFace]) -> DlibFace | None:
    """Return the first of ``others`` that overlaps ``face`` by half, or None."""
    from zoo.networks.faces.dlib_models import overlap

    return next((other for other in others if overlap(face, other) >= _OVERLAP), None)


class FaceFound(FaceMetric):
    """1 where a face is detected in the restored image where HQ has its face, else 0.

    Its mean is the detection coverage of a restorer; identity does not depend on it.
    """

    __slots__ = ()

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Look for the principal face of HQ in ``restored``."""
        face = self.face_of_pair(restored, hq)
        if isinstance(face, Measurement):
            return face
        return Measurement(float(find_again(face, self.faces(restored)) is not None))


def load_identity(entry: MetricEntry) -> IdentityDlib:
    """Return one of the identity `ENTRIES` with its models loaded."""
    from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor
    from zoo.networks.faces.dlib_models import load_dlib_models

    return IdentityDlib(entry, load_dlib_models(), load_dlib_descriptor())


def load_face_found(entry: MetricEntry) -> FaceFound:
    """Return the detection metric with its models loaded."""
    from zoo.networks.faces.dlib_models import load_dlib_models

    return FaceFound(entry, load_dlib_models())
