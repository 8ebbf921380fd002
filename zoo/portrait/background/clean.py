"""Clean a whole photo at its own size: print, noise, JPEG artefacts and blur, by classical means.

What is wrong is measured once, then every tile is treated alike; a photo that nothing is wrong
with comes back as it is. Invents nothing and knows no faces.
"""

from __future__ import annotations

import os
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.fit.old_size import OldSize, find_old_size, shrink_back
from zoo.portrait.background.deblur import deblur
from zoo.portrait.background.old_print import clean_print
from zoo.portrait.background.quality import OPPONENT, Damage, find_damage
from zoo.portrait.background.shrinkage import mend, shrink
from zoo.restorer import Image
from zoo.restorers.face_by_face import check_face
from zoo.restorers.tiles import Progress, Tiling, in_tiles

__all__ = ["clean_background"]

_LARGEST, _SMALLEST = 4_000_000, 32
"""Pixels in all and a side: larger photos would take too much memory to look for an enlargement,
in smaller ones nothing tells of it."""
_MOST_THREADS = 4
"""Each holds a tile of some 0.2 GB."""
_ROWS = 256
"""Blended at a time, so that memory stays that of the tiles."""
_LEAST = 1.1
"""Enlargements below this factor change the noise little."""


def clean_background(
    photo: Image,
    *,
    strength: float = 1.0,
    tiling: Tiling | None = None,
    on_progress: Progress | None = None,
) -> Image:
    """Return the photo without a print's screen and dust, noise, JPEG artefacts and blur.

    Each is taken off as far as it shows.

    Parameters
    ----------
    photo
        uint8 (height, width, 3) RGB, upright; not written to.
    strength
        The share of the change, from 0 (the photo, exactly) to 1.
    tiling
        Tiles and threads; the default takes 1024 pixels and a thread a core, four at most:
        24 megapixels then stay within 1.5 GB.
    on_progress
        Called with the tiles done and in all; never where there is nothing to do.

    Returns
    -------
    Image
        Of the same size. The same bytes for any number of threads.

    Raises
    ------
    ValueError
        The photo is not uint8 RGB, or the strength is not from 0 to 1.
    """
    check_face(photo)
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"the strength is a number from 0 to 1, not {strength:g}")
    if strength == 0.0:
        return photo.copy()
    tiling = tiling or Tiling(threads=min(_MOST_THREADS, os.cpu_count() or 1))
    bare = clean_print(photo)
    old = _enlarged_from(bare)
    small = bare if old is None else shrink_back(bare, old)
    damage = find_damage(small)
    if damage.none:
        return _blended(photo, bare, strength)
    clean = in_tiles(small, partial(_cleaned, damage), tiling, on_progress)
    return _blended(photo, clean if old is None else _enlarged(clean, photo), strength)


def _cleaned(damage: Damage, tile: Image) -> NDArray[np.float32]:
    """Return the tile in float32 levels, in the order in which the damage is taken off."""
    image = (mend(tile) if damage.impulses else tile).astype(np.float32)
    if damage.variance is not None:
        planes = np.ascontiguousarray(np.moveaxis(image @ OPPONENT.T, 2, 0))
        clean = shrink(planes, image.mean(axis=2), damage.variance)
        image = (1.0 - damage.kept) * (np.moveaxis(clean, 0, 2) @ OPPONENT) + damage.kept * image
        image = np.ascontiguousarray(image, np.float32)
    if damage.blur is not None:
        image = deblur(image, damage.blur)
    return image


def _enlarged_from(photo: Image) -> OldSize | None:
    """Return the size that a photo had before it was enlarged, where that undoes to the level.

    What was wrong before the enlargement is blurred by it, and no longer what it was.
    """
    if photo.shape[0] * photo.shape[1] > _LARGEST or min(photo.shape[:2]) < _SMALLEST:
        return None
    old = find_old_size(photo)
    return old if old is not None and old.exact and old.factor(photo.shape[:2]) > _LEAST else None


def _enlarged(small: Image, photo: Image) -> NDArray[np.float32]:
    """Return a small photo at the large one's size: by cubic, sharper than most enlarged it."""
    size = photo.shape[1], photo.shape[0]
    large = cv2.resize(small.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)


def _blended(photo: Image, clean: Image | NDArray[np.float32], strength: float) -> Image:
    result = np.empty_like(photo)
    for top in range(0, len(photo), _ROWS):
        rows = np.s_[top : top + _ROWS]
        change = clean[rows].astype(np.float32) - photo[rows]
        result[rows] = np.clip(np.rint(photo[rows] + np.float32(strength) * change), 0, 255)
    return result
