"""Cut the aligned faces of a folder of photographs, as training takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degrade.dataset.keys import pair_key
from degrade.dataset.sources import ImageSource
from degrade.errors import ImageError
from degrade.images import write_png
from zoo.portrait.align.alignment import align, write_alignment
from zoo.portrait.align.warping import extract
from zoo.portrait.detect.detection import Detector

__all__ = ["Cut", "cut_faces"]


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of one photograph."""

    source: str  # its name
    name: str  # the crop's file name, or an empty string where there is none
    reason: str = ""  # why there is none


def cut_faces(
    source: ImageSource,
    out: Path,
    *,
    size: int,
    template: str,
    detector: Detector,
) -> Iterator[Cut]:
    """Write the largest face of each photograph as ``OUT/<key>.png``; yield what became of it.

    How they are aligned is written first, see `zoo.portrait.align.alignment`.

    Parameters
    ----------
    source
        The photographs.
    size, template
        Of the crops, see `zoo.portrait.align.alignment.align`.
    detector
        Finds the faces.
    """
    write_alignment(out, template, size)
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
        except ImageError as error:
            yield Cut(key, "", str(error))
            continue
        write_png(out / name, crop)
        yield Cut(key, name)


def _levels(crop: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)
