"""What the portrait pipeline knows of a face: where it is, how it looks, what became of it.

Coordinates are ``(x, y)`` in pixels of the upright photo; the centre of the top-left pixel is
``(0, 0)``, as OpenCV's warps have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCHEMES", "STATUSES", "Face", "FaceRecord", "Pose"]

SCHEMES = ("dlib5", "eyes-nose-mouth")
"""How five landmarks are ordered.

``dlib5``: the outer and inner corner of the eye on the image's right, the same of the eye on
its left, the base of the nose. ``eyes-nose-mouth`` (YuNet, RetinaFace): the centre of the eye
on the image's left, of the eye on its right, the tip of the nose, the corner of the mouth on
the image's left, the one on its right. Right and left are those of an upright face.
"""

STATUSES = ("restored", "blended", "skipped", "failed")
"""What can become of a face: restored at the strength asked for; blended back further so that
the identity holds; skipped for the reason told; failed in the restorer."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Which way a face looks, in degrees; see `zoo.portrait.detect.pose.estimate_pose`."""

    yaw: float  # positive when the face is turned to the image's right
    pitch: float  # positive when it looks up
    roll: float  # positive when it is tilted clockwise as one sees it, in (-180, 180]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face that a detector found."""

    # ``(left, top, right, bottom)``; it may reach beyond the photo
    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]  # ``(5, 2)`` float64
    scheme: str  # the order of the landmarks, one of `SCHEMES`
    score: float  # the detector's confidence; its scale is the detector's own
    pose: Pose  # estimated from the landmarks
    detector: str  # the name of the detector
    # 0, or the degrees (90, 180, 270, counter-clockwise) that the photo had to be turned before a
    # face was found in it; all coordinates are those of the photo as it was given
    turned: int = 0
    # How little the landmarks can be trusted, see `zoo.portrait.detect.landmarks`: their root mean
    # square distance from each other over several starts, in box widths; 0 where the detector gives
    # one answer only
    spread: float = 0.0

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return max(0.0, self.width) * max(0.0, self.box[3] - self.box[1])

    def scaled(self, across: float, down: float) -> Face:
        """Return the face in the photo resized by these factors."""
        factors = np.array((across, down))
        corners = (np.reshape(self.box, (2, 2)) + 0.5) * factors - 0.5
        left, top, right, bottom = (float(edge) for edge in corners.ravel())
        landmarks = (self.landmarks + 0.5) * factors - 0.5
        return replace(self, box=(left, top, right, bottom), landmarks=landmarks)


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One line of ``faces.jsonl``: a face, what was done to it, and why."""

    photo: str  # name of the photo
    face: int  # number of the face in the photo, from 0, in the detector's order (best first)
    status: str  # one of `STATUSES`
    box: tuple[float, float, float, float]  # as in `Face`; the landmarks as five ``(x, y)`` pairs
    landmarks: tuple[tuple[float, float], ...]
    scheme: str
    pose: Pose
    size: float  # width of the face's box in pixels
    score: float
    detector: str
    model: str  # the restorer's registry name; empty when none was run
    strength: float  # the strength that was asked for, 0 to 1
    # Distance between the face before and after by dlib's descriptor, 0 for the same, as the
    # identity gate measured it on the result; None when it was not measured
    identity: float | None
    # The share of the restored face in the result, 0 to 1: the strength, or less where the identity
    # gate blended back; 0 for a face that was left alone
    blend: float
    mask: str  # the parser whose mask was used; empty when none was
    mask_confidence: float | None  # how far to trust that mask, 0 to 1; None when there is none
    reason: str  # what was done and why, one sentence
    turned: int = 0

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status is one of {', '.join(STATUSES)}, not {self.status!r}")

    @classmethod
    def of(
        cls,
        face: Face,
        photo: str,
        number: int,
        status: str,
        reason: str,
        *,
        model: str = "",
        strength: float = 1.0,
        identity: float | None = None,
        blend: float = 0.0,
        mask: str = "",
        mask_confidence: float | None = None,
    ) -> FaceRecord:
        """Return the record of ``face``, the ``number``-th of ``photo``; the rest as above."""
        return cls(
            photo=photo,
            face=number,
            status=status,
            box=face.box,
            landmarks=tuple((float(x), float(y)) for x, y in face.landmarks),
            scheme=face.scheme,
            pose=face.pose,
            size=face.width,
            score=face.score,
            detector=face.detector,
            model=model,
            strength=strength,
            identity=identity,
            blend=blend,
            mask=mask,
            mask_confidence=mask_confidence,
            reason=reason,
            turned=face.turned,
        )

    def as_record(self) -> Mapping[str, object]:
        """Return a JSON-ready mapping, in the order of the attributes.

        Pixels are rounded to hundredths, degrees to tenths, everything else to four digits
        after the point; ``pose`` is a mapping of ``yaw``, ``pitch`` and ``roll``.
        """
        pose = {
            "yaw": round(self.pose.yaw, 1),
            "pitch": round(self.pose.pitch, 1),
            "roll": round(self.pose.roll, 1),
        }
        return {
            "photo": self.photo,
            "face": self.face,
            "status": self.status,
            "box": [round(edge, 2) for edge in self.box],
            "landmarks": [[round(x, 2), round(y, 2)] for x, y in self.landmarks],
            "scheme": self.scheme,
            "pose": pose,
            "size": round(self.size, 2),
            "score": round(self.score, 4),
            "detector": self.detector,
            "model": self.model,
            "strength": round(self.strength, 4),
            "identity": None if self.identity is None else round(self.identity, 4),
            "blend": round(self.blend, 4),
            "mask": self.mask,
            "mask_confidence": (
                None if self.mask_confidence is None else round(self.mask_confidence, 4)
            ),
            "reason": self.reason,
            "turned": self.turned,
        }
