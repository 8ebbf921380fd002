"""Lay what restorers changed onto the photo: the change, never the crop.

photo + weight · (restored − crop), both taken back to the photo's pixels: where a restorer
changed nothing the photo stays what it was, to the bit, at any scale and angle; and detail of
the photo that is finer than the crop stays too, since no change holds any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from zoo.portrait.align.alignment import Alignment
from zoo.portrait.align.warping import footprint, paste
from zoo.restorer import Image

__all__ = [
    "Patch",
    "Photo",
    "as_rgb8",
    "check_photo",
    "composite",
    "with_change",
]

_STRIP = 256
"""Rows that are worked on at a time, so that memory follows the width of the photo alone."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One face's change."""

    change: NDArray[np.float32]  # float32 (size, size, 3), restored minus crop, 8-bit levels
    weight: NDArray[np.float32]  # float32 (size, size) in [0, 1]; 0 near the crop's border
    alignment: Alignment  # where the crop lies in the photo
    nearness: float  # the face's width in photo pixels: of two that overlap the wider is nearer


def composite(
    photo: Photo,
    patches: Sequence[Patch],
    background: Image | None = None,
    *,
    on_background: bool = False,
) -> Photo:
    """Return the photo with every patch's change laid on it.

    Parameters
    ----------
    photo
        uint8 or uint16, one to four channels; not written to.
    patches
        In any order, the result is the same: the wider face covers the narrower, and where
        two lie in the photo decides between those of one width. A patch without change
        covers too: what others change does not show on it.
    background
        uint8 (height, width, 3): the photo as it shall look where no face is, or None.
    on_background
        Whether the crops came from the background rather than from the photo: then the faces
        have its change too, and theirs comes on top.
    """
    result = photo.copy()
    farthest_first = sorted(patches, key=_depth)
    for top in range(0, photo.shape[0], _STRIP):
        bottom = min(top + _STRIP, photo.shape[0])
        change = np.zeros((bottom - top, photo.shape[1], 3), np.float32)
        if background is not None:
            change += background[top:bottom]
            change -= as_rgb8(photo[top:bottom])
        touched = background is not None
        ground = change.copy() if on_background else np.zeros((), np.float32)
        for patch in farthest_first:
            touched |= _cover(change, ground, patch, top, photo.shape[:2])
        if touched:
            result[top:bottom] = with_change(photo[top:bottom], change)
    return result


def _cover(
    change: NDArray[np.float32],
    ground: NDArray[np.float32],
    patch: Patch,
    top: int,
    photo_size: tuple[int, ...],
) -> bool:
    """Lay one patch over the change of a strip that begins at row ``top``; tell if it met it.

    ``ground`` is the change of what its crop was cut from: the strip's own, or 0.
    """
    height, width = photo_size
    window = footprint(patch.alignment, (height, width)).rows(top, top + change.shape[0])
    if 0 in window.size:
        return False
    upper, weight = paste(patch.change, patch.weight, patch.alignment, window)
    region_slice = np.s_[window.top - top : window.bottom - top, window.left : window.right]
    below = np.broadcast_to(ground, change.shape)[region_slice]
    region = change[region_slice]
    region += weight[..., None] * (below + upper - region)
    return True


def _depth(patch: Patch) -> tuple[float, ...]:
    """Return what sorts the farthest first and leaves no two different places level."""
    return (patch.nearness, *patch.alignment.matrix.ravel())


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
