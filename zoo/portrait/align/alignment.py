"""The similarity that takes a face's landmarks to their places in an aligned crop.

Geometry only; `zoo.portrait.align.warping` moves the pixels.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from degrade.errors import ImageError, UserError
from degrade.images import atomic_file
from zoo.templates import TEMPLATES, template_points

__all__ = [
    "ALIGNMENT_FILE",
    "Alignment",
    "align",
    "template_of",
    "write_alignment",
]

_FLATTEST = 0.1
"""Landmarks whose spread across their main direction is under this share of the spread along it
count as lying on a line. The templates have 0.4 and 0.9; dlib5 at 80° of yaw has 0.5."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How a face lies in its crop."""

    # ``(2, 3)`` float64, a rotation with one scale and a shift, never a mirror: takes photo ``(x,
    # y, 1)`` to crop ``(x, y)``, both with the centre of the top-left pixel at (0, 0)
    matrix: NDArray[np.float64]
    size: int  # side of the square crop in pixels
    template: str  # ``ffhq`` or ``tight``
    # Root mean square distance in crop pixels between the landmarks and their places: how little
    # the face looks like a frontal one
    residual: float

    @property
    def scale(self) -> float:
        """Crop pixels for one photo pixel: below 1 the crop is smaller than the face was."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def angle(self) -> float:
        """Degrees that the photo is turned clockwise, as one sees it, to upright the face."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))


def align(landmarks: ArrayLike, scheme: str, size: int, template: str = "ffhq") -> Alignment:
    """Return the similarity that brings five landmarks nearest to their places in the crop.

    Least squares over rotation, scale and shift (S. Umeyama, "Least-squares estimation of
    transformation parameters between two point patterns", PAMI 13, 1991; in the plane, without
    mirroring, it is one complex division).

    Parameters
    ----------
    landmarks
        ``(5, 2)`` ``(x, y)`` pixels of the photo.
    scheme
        Their order, one of `zoo.portrait.face.SCHEMES`.
    size
        Side of the crop in pixels, 1 or more.
    template
        ``ffhq`` or ``tight``, see `zoo.templates`.

    Raises
    ------
    ImageError
        Landmarks from which no face can be aligned: not finite, all in one place or on a line.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (5, 2):
        raise ValueError(f"landmarks have the shape (5, 2), not {points.shape}")
    if size < 1:
        raise ValueError(f"a crop has 1 pixel or more, not {size}")
    _check_spread(points)
    template_landmarks = template_points(template, scheme, size)
    source, target = _complex(points), _complex(template_landmarks)
    source_centre, target_centre = source.mean(), target.mean()
    offset = source - source_centre
    factor = np.vdot(offset, target - target_centre) / np.vdot(offset, offset).real
    shift = target_centre - factor * source_centre
    matrix = np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
    residual = math.sqrt(np.mean(np.abs(factor * source + shift - target) ** 2))
    return Alignment(matrix, size, template, residual)


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return points[:, 0] + 1j * points[:, 1]


def _check_spread(points: NDArray[np.float64]) -> None:
    if not np.isfinite(points).all():
        raise ImageError("the landmarks are not finite numbers: this face cannot be aligned")
    along, across = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if along < 1e-6:
        raise ImageError("the landmarks all lie in one place: this face cannot be aligned")
    if across < _FLATTEST * along:
        raise ImageError("the landmarks lie on one line: this face cannot be aligned")


ALIGNMENT_FILE = "alignment.json"
_OLDER_FILE = "landmarks68.npz"
"""What `zoo align` wrote before, with landmarks that are no longer used."""


def write_alignment(folder: Path, template: str, size: int) -> None:
    """Write how the faces of a folder are aligned, whole or not at all.

    Parameters
    ----------
    folder
        The crops' folder.
    template
        ``ffhq`` or ``tight``.
    size
        Side of the crops in pixels.
    """
    with atomic_file(folder / ALIGNMENT_FILE) as stream:
        stream.write((json.dumps({"template": template, "size": size}) + "\n").encode())


def template_of(folder: Path) -> str:
    """Return the template of the faces of a folder; ``tight`` where nothing says it.

    Raises
    ------
    UserError
        The file that says it is damaged, or names another template.
    """
    path = folder / ALIGNMENT_FILE
    if not path.is_file():
        path = folder / _OLDER_FILE
    if not path.is_file():
        return "tight"
    try:
        template = _stored_template(path)
    # ValueError: no JSON, no UTF-8, no archive; RuntimeError: an unknown compression.
    except (
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ):
        template = ""
    if template not in TEMPLATES:
        raise UserError(f"{path} does not say how the faces are aligned: run `zoo align` again")
    return template


def _stored_template(path: Path) -> str:
    if path.name == ALIGNMENT_FILE:
        return str(json.loads(path.read_text(encoding="utf-8"))["template"])
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return str(stored["template"]) if "template" in stored.files else "tight"
