"""Wrong masks for training faces: those of `mask_errors`, and those that need faces or pixels.

``template`` is the mean face, ``wrong-face`` another face's mask, ``predicted`` what landmarks
found in the degraded picture itself give: the mistake that a user's pipeline makes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.random import Stream
from zoo.licences import require_consent
from zoo.portrait.landmark_regions import landmark_regions
from zoo.training.mask_errors import DRAWN, Mask, drawn_error

if TYPE_CHECKING:
    from zoo.portrait.landmarks68 import CropLandmarkFinder

__all__ = ["KINDS", "WrongMasks", "predicted_mask"]

KINDS = (*DRAWN, "template", "wrong-face", "predicted")

_LANDMARK_SIZE = 256
"""dlib rounds its 68 landmarks to whole pixels, so they are looked for at this size or more."""


@dataclass(frozen=True, slots=True)
class WrongMasks:
    """Draws a wrong mask for a face.

    Attributes
    ----------
    landmarks
        Face → ``(68, 2)`` pixels: other faces' masks come from here.
    mean
        The mean mask, ``(19, size, size)``.
    predict
        Whether ``predicted`` masks are made; they need dlib's 68-point model, and its licence.
    template
        How the faces are aligned.
    """

    landmarks: Mapping[str, NDArray[np.float32]]
    mean: Mask
    predict: bool
    template: str = "tight"

    def draw(self, face: str, right: Mask, lq: NDArray[np.uint8], stream: Stream) -> Mask:
        """Return a mask with one error of a random kind, each as likely as the others.

        Where no other face has landmarks, there is no mask of another face among them.

        Parameters
        ----------
        face
            Its name, so that ``wrong-face`` is another one.
        right
            ``(19, size, size)``, the face's own.
        lq
            uint8 (size, size, 3) RGB, the degraded face.
        stream
            Decides everything.
        """
        alone = len(self.landmarks) <= (face in self.landmarks)
        absent = {"wrong-face": alone, "predicted": not self.predict}
        kinds = [kind for kind in KINDS if not absent.get(kind)]
        kind = kinds[stream.integer(0, len(kinds) - 1)]
        if kind == "template":
            return self.mean
        if kind == "wrong-face":
            others = [name for name in self.landmarks if name != face]
            other = others[stream.integer(0, len(others) - 1)]
            return landmark_regions(self.landmarks[other], right.shape[1])
        if kind == "predicted":
            return predicted_mask(lq, self.template)
        return drawn_error(kind, right, stream)


def predicted_mask(lq: NDArray[np.uint8], template: str) -> Mask:
    """Return the mask drawn from the 68 landmarks that dlib finds in an aligned, degraded face.

    Parameters
    ----------
    lq
        uint8 (size, size, 3) RGB.
    template
        ``ffhq`` or ``tight``.

    Raises
    ------
    ConsentError
        The licence of the 68-point model was not agreed to at this account.
    """
    # Not once for all: an agreement can be taken back.
    require_consent("ibug-68", "dlib's 68-point model")
    size = lq.shape[0]
    larger = max(size, _LANDMARK_SIZE)
    wide = np.asarray(cv2.resize(lq, (larger, larger), interpolation=cv2.INTER_LINEAR), np.uint8)
    found = (_finder(template).find(wide) + 0.5) * (size / larger) - 0.5
    return landmark_regions(found, size)


@functools.cache
def _finder(template: str) -> CropLandmarkFinder:
    from zoo.portrait.landmarks68 import CropLandmarkFinder

    return CropLandmarkFinder(template)
