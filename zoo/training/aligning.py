"""Cut the aligned faces of a folder of photographs, as training takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.images import atomic_file, write_png
from degrade.naming import pair_key
from degrade.sources import ImageSource
from zoo.portrait.alignment import align
from zoo.portrait.detection import Detector
from zoo.portrait.landmarks68 import CropLandmarkFinder
from zoo.portrait.warping import extract
from zoo.training.alignment import LANDMARKS_FILE

__all__ = ["Cut", "cut_faces", "write_landmarks"]

_LANDMARK_SIZE = 256
"""dlib rounds its 68 landmarks to whole pixels, so they are looked for at this size or more."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of one photograph.

    Attributes
    ----------
    source
        Its name.
    name
        The crop's file name, or an empty string where there is none.
    reason
        Why there is none.
    landmarks
        ``(68, 2)`` pixels of the crop, or None without a finder.
    """

    source: str
    name: str
    reason: str = ""
    landmarks: NDArray[np.float32] | None = None


def cut_faces(
    source: ImageSource,
    out: Path,
    *,
    size: int,
    template: str,
    detector: Detector,
    finder: CropLandmarkFinder | None,
) -> Iterator[Cut]:
    """Write the largest face of each photograph as ``OUT/<key>.png``; yield what became of it.

    Parameters
    ----------
    source
        The photographs.
    size, template
        Of the crops, see `zoo.portrait.alignment.align`.
    detector
        Finds the faces.
    finder
        Adds the 68 landmarks of each crop, from which masks are drawn; None leaves them out.
    """
    for key in source.keys:
        name = f"{pair_key(key, 0, 1)}.png"
        try:
            photo = source.read(key)
            faces = detector.detect(photo)
            if not faces:
                yield Cut(key, "", "no face was found")
                continue
            face = max(faces, key=lambda face: face.box[2] - face.box[0])
            crop = _levels(extract(photo, align(face.landmarks, face.scheme, size, template)))
            landmarks = None
            if finder is not None:
                larger = max(size, _LANDMARK_SIZE)
                wide = extract(photo, align(face.landmarks, face.scheme, larger, template))
                found = (finder.find(_levels(wide)) + 0.5) * (size / larger) - 0.5
                landmarks = found.astype(np.float32)
        except ImageError as error:
            yield Cut(key, "", str(error))
            continue
        write_png(out / name, crop)
        yield Cut(key, name, "", landmarks)


def write_landmarks(out: Path, cuts: list[Cut], template: str) -> None:
    """Write the landmarks of all crops in one file, which training draws masks from.

    Parameters
    ----------
    out
        The crops' folder.
    cuts
        What `cut_faces` told.
    template
        How the crops are aligned; stored beside the landmarks, as ``template``.
    """
    marked = [cut for cut in cuts if cut.landmarks is not None]
    with atomic_file(out / LANDMARKS_FILE) as file:
        np.savez(
            file,
            keys=np.array([cut.name for cut in marked], np.str_),
            landmarks=np.array([cut.landmarks for cut in marked], np.float32).reshape(-1, 68, 2),
            template=np.array(template),
        )


def _levels(crop: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)
