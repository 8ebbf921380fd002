"""Lay what restorers changed onto the photo: the change, never the crop.

photo + weight · (restored − crop), both taken back to the photo's pixels: where a restorer
changed nothing the photo stays what it was, to the bit, at any scale and angle; and detail of
the photo that is finer than the crop stays too, since no change holds any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.portrait.align.alignment import Alignment
from zoo.portrait.align.warping import footprint, paste
from zoo.portrait.composite.channels import Photo, as_rgb8, with_change
from zoo.restorer import Image

__all__ = ["Patch", "composite"]

_STRIP = 256
"""Rows that are worked on at a time, so that memory follows the width of the photo alone."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One face's change.

    Attributes
    ----------
    change
        float32 (size, size, 3), restored minus crop, 8-bit levels.
    weight
        float32 (size, size) in [0, 1]; 0 near the crop's border.
    alignment
        Where the crop lies in the photo.
    nearness
        The face's width in photo pixels: of two that overlap the wider is nearer.
    """

    change: NDArray[np.float32]
    weight: NDArray[np.float32]
    alignment: Alignment
    nearness: float


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
    place = np.s_[window.top - top : window.bottom - top, window.left : window.right]
    below = np.broadcast_to(ground, change.shape)[place]
    region = change[place]
    region += weight[..., None] * (below + upper - region)
    return True


def _depth(patch: Patch) -> tuple[float, ...]:
    """Return what sorts the farthest first and leaves no two different places level."""
    return (patch.nearness, *patch.alignment.matrix.ravel())
