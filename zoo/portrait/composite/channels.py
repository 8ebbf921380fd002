"""One to four channels of 8 or 16 bits: how a photo is seen as RGB, and how a change is added.

The depth is the array's dtype, never guessed from its levels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from zoo.restorer import Image

__all__ = ["Photo", "as_rgb8", "check_photo", "with_change"]

Photo = NDArray[np.uint8] | NDArray[np.uint16]
"""(height, width) or (height, width, 1 to 4): grey, grey + alpha, RGB, RGB + alpha."""

_SIXTEEN_PER_EIGHT = 257
"""65535 / 255: 16-bit levels in one 8-bit level."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601-7, 2.5.1: the luma of a change, which is what a grey photo takes of it."""


def check_photo(photo: NDArray[np.generic]) -> None:
    """Refuse what is no photograph.

    Raises
    ------
    ImageError
        Not uint8 or uint16, not one to four channels, or without pixels.
    """
    shape = photo.shape
    channels = shape[2] if photo.ndim == 3 else 1
    if photo.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            f"a photo has 8 or 16 bits a channel (uint8 or uint16), not {photo.dtype}: convert it"
        )
    if photo.ndim not in (2, 3) or not 1 <= channels <= 4 or photo.size == 0:
        raise ImageError(
            "a photo is (height, width) or (height, width, 1 to 4) with at least one pixel, "
            f"not {shape}: convert it"
        )


def as_rgb8(photo: Photo) -> Image:
    """Return the photo as uint8 (height, width, 3); alpha is left out, not laid on anything.

    16-bit levels are divided by 257 and rounded. An 8-bit RGB photo whose rows lie one after
    another in memory is returned itself, not a copy.
    """
    colour = _coloured(photo)
    if colour.dtype == np.uint16:
        half = _SIXTEEN_PER_EIGHT // 2
        colour = ((colour.astype(np.uint32) + half) // _SIXTEEN_PER_EIGHT).astype(np.uint8)
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, axis=2)
    return np.ascontiguousarray(colour, np.uint8)


def with_change(photo: Photo, change: NDArray[np.float32]) -> Photo:
    """Return the photo plus a change, rounded and clipped once; exact where it is 0.

    Parameters
    ----------
    photo
        As `check_photo` lets pass. Alpha stays; grey takes the change's luma.
    change
        float32 (height, width, 3) in 8-bit levels; a 16-bit photo takes its fractions too.
    """
    greatest = np.iinfo(photo.dtype).max
    unit = np.float32(greatest / 255)
    colour = _coloured(photo)
    if colour.shape[2] == 1:
        change = (change @ _LUMA)[..., None]
    sums = colour + unit * change
    result = photo.copy()
    _coloured(result)[...] = np.clip(np.rint(sums), 0, greatest).astype(photo.dtype)
    return result


def _coloured(photo: Photo) -> NDArray[Any]:
    """Return a view of the colour channels, (height, width, 1 or 3)."""
    if photo.ndim == 2:
        return photo[..., None]
    return photo[..., : 3 if photo.shape[2] >= 3 else 1]
