"""Try a restorer on one face: it must give a face back, and how long that takes is its speed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np

from degrade.errors import UserError
from zoo.model_card import RestorerEntry
from zoo.restorer import Image, Restorer

__all__ = ["TRIAL_SIDE", "Speed", "TrialError", "measured_speed", "seconds_a_face", "trial_face"]

TRIAL_SIDE = 128
"""Side in pixels of the face that restorers of any size are tried on."""
_FACE = (slice(0, 256), slice(96, 352))
"""Where the face is in scikit-image's photograph of Eileen Collins (NASA, public domain)."""
_QUICK = 1.0
"""A first run of fewer seconds is repeated: it warmed up what later ones find warm."""


class TrialError(UserError):
    """A restorer that gave no face back."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The wall time of one face, and that face's side in pixels; None where nobody measured."""

    seconds: float | None = None
    side: int | None = None

    def __str__(self) -> str:
        """Return the time in words, or a dash."""
        if self.seconds is None:
            return "–"
        time = f"{self.seconds:.2g} s" if self.seconds >= 1 else f"{self.seconds * 1000:.2g} ms"
        return f"{time} at {self.side}"


def measured_speed(entry: RestorerEntry) -> Speed:
    """Restore one face now; an oracle is not measured.

    Raises
    ------
    UserError
        The restorer cannot be loaded, or gives no face back.
    """
    card = entry.card.card
    if not card.blind:
        return Speed(entry.seconds, entry.measured_side)
    side = TRIAL_SIDE if card.input_size is None else card.input_size[0]
    return Speed(seconds_a_face(entry.load(), side), side)


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
    except Exception as error:  # anybody's code
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise TrialError(f"{restorer.card.name} raised {type(error).__name__}: {reason}") from error
    seconds = time.perf_counter() - start
    image = restored[0] if isinstance(restored, list) and len(restored) == 1 else None
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != face.shape:
        raise TrialError(
            f"{restorer.card.name} gave no face of {face.shape[0]} × {face.shape[1]} pixels back"
        )
    return seconds
