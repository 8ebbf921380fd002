"""The mask that landmarks found in the degraded face give: the mistake of a user's pipeline."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.licences import require_consent
from zoo.portrait.landmark_regions import landmark_regions

if TYPE_CHECKING:
    from zoo.portrait.landmarks68 import CropLandmarkFinder

__all__ = ["predicted_mask"]

_LANDMARK_SIZE = 256
"""dlib rounds its 68 landmarks to whole pixels, so they are looked for at this size or more."""


def predicted_mask(lq: NDArray[np.uint8], template: str) -> NDArray[np.float32]:
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
