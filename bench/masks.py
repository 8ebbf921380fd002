"""The parsing masks that restorers are given with the faces: none, right ones or wrong ones.

They are drawn from the landmarks that `zoo align` writes beside aligned faces, so a right mask
is that of the clean face. Nothing here judges.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
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
    """

    kind: str
    landmarks: Mapping[str, NDArray[np.float32]]

    def of(self, photograph: str, lq: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the mask for a face, ``(19, size, size)`` float32, or None where there is none.

        Parameters
        ----------
        photograph
            Its name, as `bench.photographs.photographs` gives it.
        lq
            uint8 (size, size, 3) RGB, the degraded face.
        """
        from zoo.portrait.landmark_regions import landmark_regions

        if self.kind == "predicted":
            from zoo.training.wrong_masks import predicted_mask

            return predicted_mask(lq, "tight")
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
        The set has no landmarks, or other faces' landmarks.
    """
    if kind == "none":
        return None
    folder = source.storage.local
    path = None if folder is None else Path(folder) / LANDMARKS_FILE
    if path is None or not path.is_file():
        raise SuiteError(
            f"{source.name} has no {LANDMARKS_FILE}, from which masks are drawn: make the faces "
            "with `zoo align`, or run with --masks none"
        )
    landmarks = {pair_key(name, 0, 1): points for name, points in _read(path)}
    if not any(pair_key(key, 0, 1) in landmarks for key in source.keys):
        raise SuiteError(f"{path} has landmarks of none of the images beside it")
    return Masks(kind, landmarks)


def _read(path: Path) -> Sequence[tuple[str, NDArray[np.float32]]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            points = np.asarray(stored["landmarks"], np.float32).reshape(-1, 68, 2)
            return list(zip(stored["keys"].tolist(), points, strict=True))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise SuiteError(f"{path} does not hold 68 landmarks a face: run `zoo align`") from None
