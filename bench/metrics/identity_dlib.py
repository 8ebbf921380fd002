"""Whether the restored face is still the same person to dlib, and whether it is still a face.

Landmarks come from HQ and the same crop is taken from both images, so a restorer is not
judged by what a detector makes of its output; that is the column ``face_found``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, Status, refuse_sizes

if TYPE_CHECKING:
    from bench.metrics.dlib_descriptor import DlibDescriptor
    from zoo.networks.dlib_models import DlibModels, Face

__all__ = [
    "FACE_FOUND",
    "IDENTITY",
    "FaceFound",
    "IdentityDlib",
    "load_face_found",
    "load_identity",
]

_PACKAGES = ("dlib", "face_recognition_models")

IDENTITY = MetricEntry(
    name="identity_dlib",
    kind="pair",
    direction="higher",
    unit="cosine",
    signature="identity|dlib-resnet-v1|cosine|hq-5-landmarks|chip150-pad.25|upright",
    source="dlib_face_recognition_resnet_model_v1 (King 2017); strangers .84, dlib's bound .91",
    judge="dlib-resnet-v1",
    packages=(*_PACKAGES, "torch"),
)
FACE_FOUND = MetricEntry(
    name="face_found",
    kind="pair",
    direction="higher",
    unit="",
    signature="face-found|dlib-hog|hq-face|iou.5",
    source="dlib's frontal face detector (HOG); box overlaps HQ's by half (IoU .5, Pascal VOC)",
    judge="dlib-hog",
    packages=_PACKAGES,
)

_OVERLAP = 0.5
_NO_FACE = Measurement(None, Status.NO_FACE_IN_REFERENCE, "no face was detected in the HQ image")


class _FaceMetric(Described):
    __slots__ = ("_models",)

    def __init__(self, entry: MetricEntry, models: DlibModels) -> None:
        super().__init__(entry)
        self._models = models

    def faces(self, sample: Sample) -> tuple[Face, ...]:
        """Return the faces of one image, detected once however many metrics ask."""
        return sample.feature("dlib-faces", self._models.detect)

    def reference_face(self, hq: Sample) -> Face | None:
        """Return the face that the HQ image is of, or None."""
        from zoo.networks.dlib_models import principal

        return principal(self.faces(hq))


class IdentityDlib(_FaceMetric):
    """Cosine of the dlib descriptors of the same crop in both images; 1 is the same face.

    The descriptors are not centred, so strangers do not score 0. Measured on 40 official
    portraits of members of the US Congress (335 x 410, 780 pairs of strangers): median .84,
    5th and 95th percentile .77 and .89; dlib's own threshold for one person, a Euclidean
    distance of .6, lies at .91. The same portraits reduced 2, 4 and 8 times, with noise and
    JPEG, score .99, .95 and .90 on average against themselves. On 100 UTKFace crops
    (200 x 200, 4950 pairs): strangers .84 (.77 to .90), the same three .99, .96 and .91.

    Parameters
    ----------
    entry
        The facts.
    models
        Find the face in HQ and cut its chip out of both images.
    descriptor
        dlib's network, which torch runs: its numbers differ from dlib's own by less than 1e-6.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, entry: MetricEntry, models: DlibModels, descriptor: DlibDescriptor) -> None:
        super().__init__(entry, models)
        self._descriptor = descriptor

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare the principal face of HQ with the same place in ``restored``."""
        refused = refuse_sizes(restored, hq)
        if refused:
            return refused
        face = self.reference_face(hq)
        if face is None:
            return _NO_FACE
        truth = hq.feature("dlib-descriptor", lambda image: self._describe(image, face))
        return Measurement(cosine(self._describe(restored.image, face), truth))

    def _describe(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float64]:
        from zoo.networks.dlib_models import face_chip

        return self._descriptor.describe(face_chip(image, face))


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the cosine of the angle between two vectors, cut to [-1, 1]."""
    value = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return min(1.0, max(-1.0, value))


class FaceFound(_FaceMetric):
    """1 where a face is detected in the restored image at the place of HQ's face, else 0.

    Its mean is the detection coverage of a restorer; identity does not depend on it.
    """

    __slots__ = ()

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Look for the principal face of HQ in ``restored``."""
        from zoo.networks.dlib_models import overlap

        refused = refuse_sizes(restored, hq)
        if refused:
            return refused
        face = self.reference_face(hq)
        if face is None:
            return _NO_FACE
        found = any(overlap(face, other) >= _OVERLAP for other in self.faces(restored))
        return Measurement(float(found))


def load_identity() -> IdentityDlib:
    """Return the identity metric with its models loaded."""
    from bench.metrics.dlib_descriptor import load_dlib_descriptor
    from zoo.networks.dlib_models import load_dlib_models

    return IdentityDlib(IDENTITY, load_dlib_models(), load_dlib_descriptor())


def load_face_found() -> FaceFound:
    """Return the detection metric with its models loaded."""
    from zoo.networks.dlib_models import load_dlib_models

    return FaceFound(FACE_FOUND, load_dlib_models())
