"""Ask a restorer for all faces of a photo at once, and believe nothing it returns unseen.

A restorer may be anybody's code: what it raises, or returns that is no face, is told of that
face alone and ends nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.restorer import Image, Restorer

__all__ = ["Attempt", "restore_faces"]


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A restored face, uint8 HWC RGB of its crop's size, or None and why not."""

    restored: Image | None
    error: str


def restore_faces(
    restorer: Restorer, crops: Sequence[Image], masks: Sequence[NDArray[np.float32] | None]
) -> list[Attempt]:
    """Restore all faces in one batch, and one by one where the batch does not come back whole.

    Parameters
    ----------
    restorer
        Given copies: it cannot change the crops.
    crops
        uint8 (size, size, 3) each.
    masks
        One (19, size, size) float32 parsing mask each, of the regions that it knows, or None.
    """
    if not crops:
        return []
    together = _call(restorer, crops, masks)
    if isinstance(together, list):
        return [_checked(face, crop) for face, crop in zip(together, crops, strict=True)]
    if len(crops) == 1:
        return [Attempt(None, together)]
    return [
        restore_faces(restorer, [crop], [mask])[0] for crop, mask in zip(crops, masks, strict=True)
    ]


def _call(
    restorer: Restorer, crops: Sequence[Image], masks: Sequence[NDArray[np.float32] | None]
) -> list[object] | str:
    """Return what the restorer returned for each crop, or the sentence on why there is none."""
    try:
        restored = restorer.restore([crop.copy() for crop in crops], masks=[*masks])
    except MemoryError:
        raise
    except Exception as error:  # anybody's code; it is reported, with its kind, in the record
        return f"{restorer.card.name} raised {type(error).__name__}: {error}"
    if not isinstance(restored, Sequence) or len(restored) != len(crops):
        returned = len(restored) if isinstance(restored, Sequence) else type(restored).__name__
        return f"{restorer.card.name} returned {returned} for {len(crops)} faces"
    return list(restored)


def _checked(face: object, crop: Image) -> Attempt:
    """Return the face when it is one, else what is wrong with it."""
    if not isinstance(face, np.ndarray):
        return Attempt(None, f"the restorer returned {type(face).__name__}, no array")
    if np.issubdtype(face.dtype, np.floating) and not np.isfinite(face).all():
        return Attempt(None, "the restorer returned values that are not finite (NaN or infinite)")
    if face.dtype != np.uint8 or face.shape != crop.shape:
        return Attempt(
            None,
            f"the restorer returned {face.dtype} of shape {face.shape} for uint8 of {crop.shape}",
        )
    return Attempt(face, "")
