"""The parsing masks that restorers are given with the faces: none, right ones or wrong ones.

They are drawn from the landmarks that `zoo align` writes beside aligned faces, so a right mask
is that of the clean face. Nothing here judges.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.suite import SuiteError
from degrade.naming import pair_key
from degrade.sources import ImageSource

__all__ = ["LANDMARKS_FILE", "Masks", "open_masks"]

LANDMARKS_FILE = "landmarks68.npz"
"""What `zoo align` calls the landmarks of the faces in a folder."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Gives each face of a data set its mask.

    Attributes
    ----------
    kind
        ``right``, ``wrong-face`` (that of the next face in the alphabet) or ``predicted``
        (from landmarks found in the degraded face itself).
    landmarks
        Photograph's name to ``(68, 2)`` pixels of the clean face.
    template
        How the faces are aligned, one of `zoo.portrait.templates.TEMPLATES`.
    """

    kind: str
    landmarks: Mapping[str, NDArray[np.float32]]
    template: str = "tight"

    def of(self, photograph: str, lq: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the mask for a face, ``(19, size, size)`` float32, or None where there is none.

        Parameters
        ----------
        photograph
            Its name, as `bench.photographs.photographs` gives it.
        lq
            uint8 (size, size, 3) RGB, the degraded face as the restorer gets it.

        Raises
        ------
        ConsentError
            The licence of the landmark model behind ``predicted`` was not agreed to.
        """
        from zoo.portrait.landmark_regions import landmark_regions

        if self.kind == "predicted":
            from zoo.training.wrong_masks import predicted_mask

            return predicted_mask(lq, self.template)
        names = sorted(self.landmarks)
        if photograph not in self.landmarks:
            return None
        if self.kind == "wrong-face":
            photograph = names[(names.index(photograph) + 1) % len(names)]
        return landmark_regions(self.landmarks[photograph], lq.shape[0])


def open_masks(kind: str, source: ImageSource) -> Masks | None:
    """Return the masks of a data set of aligned faces; None for the kind ``none``.

    Raises
    ------
    SuiteError
        The set has no landmarks, other faces' landmarks, or those of one face for ``wrong-face``.
    ConsentError
        The licence of the landmark model behind ``predicted`` was not agreed to: said here, before
        a run begins.
    """
    if kind == "none":
        return None
    if kind == "predicted":
        from zoo.licences import require_consent

        require_consent("ibug-68", "the landmark model that `zoo align` and predicted masks run")
    folder = source.storage.local
    path = None if folder is None else Path(folder) / LANDMARKS_FILE
    if path is None or not path.is_file():
        raise SuiteError(
            f"{source.name} has no {LANDMARKS_FILE}, from which masks are drawn: make the faces "
            "with `zoo align`, or run with --masks none"
        )
    landmarks, template = _read(path)
    if not any(pair_key(key, 0, 1) in landmarks for key in source.keys):
        raise SuiteError(f"{path} has landmarks of none of the images beside it")
    if kind == "wrong-face" and len(landmarks) < 2:
        raise SuiteError(f"{path} has one face, and a wrong face's mask needs two: add faces")
    return Masks(kind, landmarks, template)


def _read(path: Path) -> tuple[dict[str, NDArray[np.float32]], str]:
    """Return the landmarks of each photograph, and the template (``tight`` where none is named)."""
    from zoo.portrait.templates import TEMPLATES

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            points = np.asarray(stored["landmarks"], np.float32).reshape(-1, 68, 2)
            named = zip(stored["keys"].tolist(), points, strict=True)
            landmarks = {pair_key(str(name), 0, 1): each for name, each in named}
            template = str(stored["template"]) if "template" in stored else "tight"
        if template not in TEMPLATES:
            raise ValueError(template)
        return landmarks, template
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise SuiteError(f"{path} does not hold 68 landmarks a face: run `zoo align`") from None
