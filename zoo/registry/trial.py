"""Try a restorer on one face before it is added: it must give a face back, and this is how long."""

from __future__ import annotations

import time

import cv2
import numpy as np

from degrade.errors import UserError
from zoo.restorer import Image, Restorer

__all__ = ["TrialError", "seconds_a_face", "trial_face"]

_FACE = (slice(0, 256), slice(96, 352))
"""Where the face is in scikit-image's photograph of Eileen Collins (NASA, public domain)."""
_QUICK = 1.0
"""A first run of fewer seconds is repeated: it warmed up what later ones find warm."""


class TrialError(UserError):
    """A restorer that gave no face back."""


def trial_face(side: int) -> Image:
    """Return a real face, uint8 (side, side, 3) RGB."""
    from skimage import data

    photo: Image = data.astronaut()  # type: ignore[no-untyped-call]  # has no types
    face = np.ascontiguousarray(photo[_FACE])
    way = cv2.INTER_AREA if side < face.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(face, (side, side), interpolation=way), np.uint8)


def seconds_a_face(restorer: Restorer, side: int) -> float:
    """Restore one face and return the wall time that it took, warm where that is quick.

    Raises
    ------
    TrialError
        The restorer raised, or did not return one uint8 RGB face of the same size.
    UserError
        What the restorer itself says.
    """
    face = trial_face(side)
    seconds = _timed(restorer, face)
    if seconds < _QUICK:
        seconds = min(seconds, *(_timed(restorer, face) for _ in range(2)))
    return seconds


def _timed(restorer: Restorer, face: Image) -> float:
    start = time.perf_counter()
    try:
        restored: object = restorer.restore([face])
    except (UserError, MemoryError):
        raise
    except Exception as error:  # anybody's code; told as its failure
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise TrialError(f"{restorer.card.name} raised {type(error).__name__}: {reason}") from error
    seconds = time.perf_counter() - start
    picture = restored[0] if isinstance(restored, list) and len(restored) == 1 else None
    if (
        not isinstance(picture, np.ndarray)
        or picture.dtype != np.uint8
        or picture.shape != face.shape
    ):
        raise TrialError(
            f"{restorer.card.name} gave no face of {face.shape[0]} × {face.shape[1]} pixels back"
        )
    return seconds
